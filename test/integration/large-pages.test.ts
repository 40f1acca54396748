// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Status } from '../../src/index.ts'
import { type clientScene, connectedScene } from '../helpers/client-scene.ts'
import { eventually } from '../helpers/eventually.ts'
import { type LocalCloud, startCloud } from '../helpers/local-cloud.ts'

/** A device that was connected once and is away now; `send` leaves calls of `bytes` each in its mailbox. */
async function awayDevice(t: Parameters<typeof clientScene>[0], cloud: LocalCloud) {
  const { client, thingKey, configDir } = await connectedScene(t, cloud)
  await client.disconnect()
  await cloud.waitForThing(thingKey, { connected: false })
  const send = async (bytes: number, number = 0): Promise<string> => {
    const params = { number, text: 'x'.repeat(bytes) }
    return (await cloud.ask('method.exec', { thingKey, method: 'take', params, ackTimeout: 0, ttl: -1 })).id
  }
  return { thingKey, configDir, send }
}

/** Whether the cloud waits for no answer of the device any more; the mails themselves are too large to look at again and again. */
async function isAnswered(cloud: LocalCloud, thingKey: string): Promise<boolean> {
  const { counts } = await cloud.ask('mailbox.summary', { thingKey })
  return counts.new === 0 && counts['in-flight'] === 0
}

/** The states in which the cloud has the mails. */
async function states(cloud: LocalCloud, ids: readonly string[]): Promise<string[]> {
  const mails = await Promise.all(ids.map(id => cloud.ask('mailbox.find', { id })))
  return mails.map(({ status }) => String(status))
}

test('mail that waited while the device was away', async t => {
  const cloud = await startCloud(t)

  for (const { bytes, many, transport } of [
    { bytes: 50_000, many: 50, transport: 'mqtts' },
    { bytes: 200_000, many: 30, transport: 'mqtts' },
    { bytes: 200_000, many: 30, transport: 'wss' },
  ] as const)
    await t.test(`${many} calls of ${bytes} bytes are all run, in their order, over ${transport}`, async t => {
      const { thingKey, configDir, send } = await awayDevice(t, cloud)
      const ids: string[] = []
      for (let number = 0; number < many; number++) ids.push(await send(bytes, number))
      const ran: unknown[] = []
      const { client } = await connectedScene(t, cloud, {
        configDir,
        transport,
        before: ({ actions }) =>
          actions.register('take', ({ params }) => {
            assert.equal(String(params.text).length, bytes)
            ran.push(params.number)
          }),
      })
      await client.diagnostics.ping()
      await eventually('the answers', () => isAnswered(cloud, thingKey), 60_000)
      assert.deepEqual(new Set(await states(cloud, ids)), new Set(['completed']))
      assert.deepEqual(
        ran,
        ids.map((_, number) => number),
      )
    })

  await t.test('a call that is too large for any page is refused, and the calls around it run', async t => {
    const { thingKey, configDir, send } = await awayDevice(t, cloud)
    const ids = [await send(10), await send(3_000_000), await send(20), await send(6_000_000), await send(30)]
    const sizes: number[] = []
    const { log } = await connectedScene(t, cloud, {
      configDir,
      before: ({ actions }) => actions.register('take', ({ params }) => void sizes.push(String(params.text).length)),
    })
    await eventually('the answers', () => isAnswered(cloud, thingKey))
    assert.deepEqual(await states(cloud, ids), [
      'completed',
      'completed-error',
      'completed',
      'completed-error',
      'completed',
    ])
    assert.deepEqual(sizes, [10, 20, 30])
    const { result } = await cloud.ask('mailbox.find', { id: ids[3] })
    assert.equal(result.errorCode, Status.BadParameter)
    assert.match(result.errorMessage, /larger than 2097152 bytes, which is the agent's limit; the action was not run/)
    assert.match(log(), /page of mail.*too large/)
  })

  await t.test('a cloud that hands out again what was lost with its session gets every call run once', async t => {
    const { thingKey, configDir, send } = await awayDevice(t, cloud)
    await cloud.fault('redeliverMail', { thingKey, when: 'session' })
    const ids: string[] = []
    for (let number = 0; number < 30; number++) ids.push(await send(100_000, number))
    let ran = 0
    const { client } = await connectedScene(t, cloud, {
      configDir,
      before: ({ actions }) => actions.register('take', () => void ran++),
    })
    await cloud.fault('closeConnections', { thingKey })
    await eventually('the answers', () => isAnswered(cloud, thingKey), 60_000)
    await client.diagnostics.ping()
    assert.equal(ran, ids.length)
    await cloud.clearFaults()
  })
})
