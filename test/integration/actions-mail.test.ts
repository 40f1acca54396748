// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Status } from '../../src/index.ts'
import { clientScene, connectedScene } from '../helpers/client-scene.ts'
import { eventually } from '../helpers/eventually.ts'
import { type LocalCloud, startCloud } from '../helpers/local-cloud.ts'

/** Sends a call without waiting for its answer; returns the id of the mail. */
async function send(cloud: LocalCloud, thingKey: string, method: string): Promise<string> {
  return (await cloud.ask('method.exec', { thingKey, method, ackTimeout: 0, ttl: -1 })).id
}

/** Waits until the mail has got its final answer. */
function answered(cloud: LocalCloud, id: string) {
  return eventually(`the answer of ${id}`, async () => {
    const mail = await cloud.ask('mailbox.find', { id })
    return String(mail.status).startsWith('completed') ? mail : undefined
  })
}

test('the mail of a device', async t => {
  const cloud = await startCloud(t)

  await t.test(
    'mail that was sent while the device was away is fetched at connect, without a notification [H14]',
    async t => {
      const scene = await connectedScene(t, cloud)
      const { thingKey, configDir } = scene
      await scene.client.disconnect()
      await cloud.waitForThing(thingKey, { connected: false })
      await cloud.fault('dropNotifyAtConnect', { thingKey })
      const ids = await Promise.all(['one', 'two', 'three'].map(() => send(cloud, thingKey, 'count')))
      let calls = 0
      await connectedScene(t, cloud, {
        configDir,
        before: ({ actions }) => actions.register('count', () => void calls++),
      })
      for (const id of ids) assert.equal((await answered(cloud, id)).status, 'completed')
      assert.equal(calls, 3)
    },
  )

  await t.test('malformed and foreign mail is refused, and the good mail around it runs [H7]', async t => {
    const scene = await connectedScene(t, cloud)
    const { thingKey, configDir } = scene
    await scene.client.disconnect()
    await cloud.waitForThing(thingKey, { connected: false })
    const raw = async (command: string, params?: object): Promise<string> =>
      (await cloud.ask('mailbox.send', { thingKey, command, params, ackTimeout: 0, ttl: -1 })).id
    const first = await send(cloud, thingKey, 'go')
    const bad = [
      await raw('method.exec'),
      await raw('method.exec', { method: 7 }),
      await raw('method.exec', { method: 'go', params: 'text' }),
      await raw('software.erase', { all: true }),
    ]
    const last = await send(cloud, thingKey, 'go')
    let calls = 0
    await connectedScene(t, cloud, { configDir, before: ({ actions }) => actions.register('go', () => void calls++) })
    assert.equal((await answered(cloud, first)).status, 'completed')
    assert.equal((await answered(cloud, last)).status, 'completed')
    for (const id of bad) assert.equal((await answered(cloud, id)).status, 'completed-error')
    assert.equal(calls, 2)
    const acks = await cloud.transcript({ thingKey, direction: 'in', command: 'mailbox.ack' })
    const codes = acks.flatMap(({ payload }) => Object.values<{ params: { id: string; errorCode: number } }>(payload))
    const codeOf = (id: string) => codes.find(({ params }) => params.id === id)?.params.errorCode
    assert.deepEqual(bad.map(codeOf), [3, 3, 2, 18])
  })

  await t.test('mail that is listed twice, notified twice and offered again runs once [H15]', async t => {
    let calls = 0
    const answers: ((status: Status) => void)[] = []
    const { client, thingKey } = await connectedScene(t, cloud, {
      before: ({ actions }) =>
        actions.register('reboot', () => {
          calls++
          return new Promise(resolve => answers.push(resolve))
        }),
    })
    await cloud.fault('duplicateMail', { thingKey })
    await cloud.fault('duplicateNotify', { thingKey, copies: 3 })
    await cloud.fault('redeliverMail', { thingKey, when: 'check' })
    const id = await send(cloud, thingKey, 'reboot')
    await eventually('the call', () => answers[0])
    // Another mail makes the device ask again; the first one comes along, twice.
    const unknown = await send(cloud, thingKey, 'unknown')
    assert.equal((await answered(cloud, unknown)).status, 'completed-error')
    await eventually('a repetition', () => (client.status().mailbox?.repeated ?? 0) > 1)
    answers[0]?.(Status.Success)
    assert.equal((await answered(cloud, id)).status, 'completed')
    assert.equal(calls, 1)
    await cloud.clearFaults()
  })

  await t.test('mail that comes again after a lost session is answered as before, not run again', async t => {
    let calls = 0
    const { client, thingKey } = await connectedScene(t, cloud, {
      before: ({ actions }) => actions.register('pay', () => ({ status: Status.Success, params: { calls: ++calls } })),
    })
    // The cloud executes nothing of the acknowledgement and never answers it.
    await cloud.fault('swallowRequest', { thingKey, command: 'mailbox.ack', times: 1 })
    await cloud.fault('redeliverMail', { thingKey, when: 'session' })
    const id = await send(cloud, thingKey, 'pay')
    await eventually('the call', () => calls === 1)
    await cloud.heard({ thingKey, direction: 'in', command: 'mailbox.ack' })
    await cloud.fault('closeConnections', { thingKey })
    await eventually('the end of the session', () => !client.isConnected)
    await client.connect({ timeoutMs: 20_000 })
    assert.equal((await answered(cloud, id)).status, 'completed')
    assert.equal(calls, 1)
    await cloud.clearFaults()
  })

  await t.test('a check with an answer that makes no sense does not end the fetching of mail', async t => {
    const { client, thingKey } = await connectedScene(t, cloud, {
      before: ({ actions }) => actions.register('go', () => {}),
    })
    await eventually('the first check', () => (client.status().mailbox?.checks ?? 0) > 0)
    await cloud.fault('garbageReply', { thingKey, command: 'mailbox.check', times: 1 })
    await send(cloud, thingKey, 'go')
    await eventually('the odd answer', () => (client.status().requests?.malformed ?? 0) > 0)
    const next = await send(cloud, thingKey, 'go')
    assert.equal((await answered(cloud, next)).status, 'completed')
  })

  await t.test('answers go out before a long queue of telemetry', async t => {
    const { client, thingKey } = await connectedScene(t, cloud, {
      before: ({ actions }) => actions.register('go', () => {}),
    })
    const many = Array.from({ length: 20_000 }, (_, index) => client.telemetry.publish('n', index))
    const reply = await cloud.exec(thingKey, 'go')
    assert.equal(reply.success, true)
    const receipts = await Promise.all(many)
    await receipts.at(-1)?.delivered({ timeoutMs: 30_000 })
  })

  await t.test('a call of an action that is registered too late is refused, and says so', async t => {
    const scene = clientScene(t, cloud)
    await scene.client.connect({ timeoutMs: 20_000 })
    const early = await cloud.exec(scene.thingKey, 'late')
    assert.deepEqual(early.errorCodes, [12])
    scene.client.actions.register('late', () => {})
    assert.equal((await cloud.exec(scene.thingKey, 'late')).success, true)
    scene.client.actions.deregister('late')
    assert.deepEqual((await cloud.exec(scene.thingKey, 'late')).errorCodes, [12])
  })
})
