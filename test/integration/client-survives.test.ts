// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { systemNames } from '../../src/connection/names/name-look-up.ts'
import { Status } from '../../src/index.ts'
import { clientScene, connectedScene, newDevice } from '../helpers/client-scene.ts'
import { eventually } from '../helpers/eventually.ts'
import { startCloud } from '../helpers/local-cloud.ts'

/** A port on which nothing listens: below 1024, where no test ever does. */
const closedPort = 1

test('what stopped or emptied the old agent leaves this one at work', async t => {
  const cloud = await startCloud(t)
  const away = { host: cloud.host, port: closedPort, transport: 'mqtts', token: cloud.token } as const

  await t.test('answers of every wrong kind are survived: samples arrive and actions run [H6 H9]', async t => {
    const { client, thingKey } = await connectedScene(t, cloud, {
      before: ({ actions }) => actions.register('go', () => {}),
    })
    for (const [name, params] of [
      ['garbageReply', {}],
      ['garbageReply', { text: '"text"' }],
      ['binaryReply', {}],
      ['emptyReply', {}],
      ['refuseRequest', {}],
      ['oversizedReply', {}],
      ['duplicateReply', { copies: 3 }],
    ] as const) {
      await cloud.fault(name, { thingKey, command: 'attribute.current', times: 1, ...params })
      await client.attributes.current('nothing', { timeoutMs: 5_000 }).catch(() => {})
    }
    await cloud.ask('cloud.push', { thingKey, topic: 'reply/9999', payload: '{"success":false}' })
    await cloud.ask('cloud.push', { thingKey, topic: 'notify/mailbox_activity', payload: 'no JSON' })
    await cloud.ask('cloud.push', { thingKey, topic: 'reply', payload: '{"1":' })
    await (await client.telemetry.publish('after', 1)).delivered({ timeoutMs: 20_000 })
    assert.equal((await cloud.exec(thingKey, 'go')).success, true)
    assert.equal(client.status().link?.reconnects, 0)
    const { malformed = 0, unknown = 0, duplicate = 0 } = client.status().requests ?? {}
    assert.ok(malformed >= 3 && unknown >= 1 && duplicate >= 2, `${malformed} ${unknown} ${duplicate}`)
  })

  await t.test('an answer without PUBACK, or before it, is an answer all the same [H9 H10]', async t => {
    const { client, thingKey } = await connectedScene(t, cloud)
    await cloud.fault('noPuback', { thingKey, times: 20 })
    for (let round = 0; round < 20; round++)
      await (await client.telemetry.publish('round', round)).delivered({ timeoutMs: 20_000 })
    assert.ok((await client.diagnostics.ping()) > 0)
    assert.equal(client.status().outbox?.waiting, 0)
  })

  await t.test('at qos_level 0, too, what is published without a link arrives when it is back [H11]', async t => {
    const { client, thingKey } = await connectedScene(t, cloud, { settings: { qos_level: 0 } })
    const down = new Promise(resolve => client.on('disconnected', resolve))
    await cloud.fault('closeConnections', { thingKey })
    await down
    const receipts = await Promise.all([0, 1, 2, 3, 4].map(value => client.telemetry.publish('quiet', value)))
    await Promise.all(receipts.map(receipt => receipt.delivered({ timeoutMs: 20_000 })))
    const { values } = await cloud.ask('cloud.samples', { thingKey, key: 'quiet', values: true })
    assert.deepEqual(values, [0, 1, 2, 3, 4])
  })

  await t.test(
    'what the process could not deliver before its end is delivered by the next one, in order [H13]',
    async t => {
      const configDir = newDevice(t)
      const first = clientScene(t, cloud, { configDir, settings: { cloud: away } })
      void first.client.connect().catch(() => {})
      for (let value = 0; value < 100; value++) await first.client.telemetry.publish('kept', value)
      await first.client.alarms.publish('door', 2)
      assert.equal(await first.client.disconnect({ timeoutMs: 500 }), false)
      const second = await connectedScene(t, cloud, { configDir })
      await eventually('the empty outbox', () => second.client.status().outbox?.waiting === 0)
      const { thingKey } = second
      const { values } = await cloud.ask('cloud.samples', { thingKey, key: 'kept', values: true })
      assert.deepEqual(values, [...Array(100).keys()])
      assert.equal((await cloud.ask('alarm.current', { thingKey, key: 'door' })).state, 2)
    },
  )

  await t.test('a name that cannot be resolved neither holds up connect() nor disconnect() [H18]', async t => {
    const host = 'cloud.example.test'
    unknownName(t)
    const { client } = clientScene(t, cloud, { settings: { cloud: { ...away, host } } })
    const failed = new Promise(resolve => client.on('error', resolve))
    const waiting = assert.rejects(client.connect(), { code: 'CLOSED' })
    await failed
    await assert.rejects(client.connect({ timeoutMs: 50 }), { code: 'TIMEOUT', message: /cloud\.example\.test/ })
    await client.disconnect()
    await waiting
  })

  await t.test('no log line, however fine, has token, proxy login or what was published [H28]', async t => {
    const user = { username: 'somebody', password: 'hunter2-proxy' }
    const proxy = { type: 'http', host: cloud.host, port: closedPort, ...user } as const
    const { client, log, thingKey } = await connectedScene(t, cloud)
    client.setLogLevel('trace')
    await (await client.events.publish('door code 4711')).delivered()
    await client.diagnostics.ping()
    const behind = clientScene(t, cloud, { settings: { proxy, cloud: { ...away, token: 'hunter2-token' } } })
    behind.client.setLogLevel('trace')
    const failed = new Promise(resolve => behind.client.on('error', resolve))
    behind.client.connect().catch(() => {})
    await failed
    const wait = behind.client.connect({ timeoutMs: 50 })
    const told = await wait.catch((error: Error) => `${error.message} ${error.cause} ${JSON.stringify(error)}`)
    assert.match(String(told), /proxy 127\.0\.0\.1:1/)
    const all = `${log()}${behind.log()}${told}${JSON.stringify([client.status(), behind.client.status()])}`
    assert.match(log(), /connected/)
    assert.ok(thingKey !== '' && behind.log() !== '')
    const login = Buffer.from('somebody:hunter2-proxy').toString('base64')
    for (const secret of ['hunter2', login, '4711', `"${cloud.token}"`]) assert.ok(!all.includes(secret), secret)
  })

  await t.test('an action may disconnect its own client: it is answered, and nothing waits for ever [H34]', async t => {
    const ends: Promise<boolean>[] = []
    const { client, thingKey } = await connectedScene(t, cloud, {
      before: ({ actions }) => {
        actions.register('leave', (_, { client }) => {
          ends.push(client.disconnect({ waitForReplies: true }))
          return Status.Success
        })
      },
    })
    assert.equal((await cloud.exec(thingKey, 'leave')).success, true)
    assert.equal(await ends[0], true)
    await assert.rejects(client.telemetry.publish('x', 1), { code: 'CLOSED' })
    // One that waits for its own end is waiting for itself; it is cut off.
    const other = await connectedScene(t, cloud, {
      before: ({ actions }) => {
        actions.register('leave', async (_, { client }) => {
          await client.disconnect({ timeoutMs: 3_000 })
        })
      },
    })
    const { errorMessages } = await cloud.exec(other.thingKey, 'leave')
    assert.deepEqual(errorMessages, ['ERROR: the agent ended before the action did.'])
    await other.client.disconnect()
  })
})

function unknownName(t: TestContext): void {
  const error = Object.assign(new Error('getaddrinfo ENOTFOUND cloud.example.test'), { code: 'ENOTFOUND' })
  t.mock.method(systemNames, 'addressesOf', () => Promise.reject(error))
}
