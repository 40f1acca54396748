// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../src/base/clock.ts'
import { frameRecord, scanRecords } from '../../src/base/record.ts'
import { type Client, Status } from '../../src/index.ts'
import { Manager } from '../../src/manager/manager.ts'
import { acksOf } from '../helpers/acks.ts'
import { clientScene, connectedScene, newDevice } from '../helpers/client-scene.ts'
import { eventually } from '../helpers/eventually.ts'
import { type LocalCloud, startCloud } from '../helpers/local-cloud.ts'
import { deviceToken, type ManagedDevice, makeDevice } from '../helpers/managed-device.ts'
import { memoryLog } from '../helpers/memory-log.ts'

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

test('actions over the end of the process', async t => {
  const cloud = await startCloud(t)

  /** One process after the other with the same configuration folder. */
  const processes = (options: { durability?: 'memory' | 'always' } = {}) => {
    const configDir = newDevice(t)
    const settings = { queue: { durability: options.durability ?? 'spill' } } as const
    return (t: TestContext, before: (client: Client) => void) =>
      connectedScene(t, cloud, { appId: 'app', configDir, settings, before })
  }

  for (const durability of ['memory', 'always'] as const)
    await t.test(`an answer that did not get through is sent by the next process, once (${durability})`, async t => {
      let calls = 0
      const pay = (client: Client) => client.actions.register('pay', () => ({ params: { calls: ++calls } }))
      const start = processes({ durability })
      const first = await start(t, pay)
      const { thingKey } = first
      const fault = await cloud.fault('swallowRequest', { thingKey, command: 'mailbox.ack' })
      await cloud.fault('redeliverMail', { thingKey, when: 'check' })
      const id = await send(cloud, thingKey, 'pay')
      await cloud.heard({ thingKey, direction: 'in', command: 'mailbox.ack', contains: id })
      await first.client.disconnect({ timeoutMs: 500 })
      await cloud.clearFaults({ id: fault })
      const before = (await acksOf(cloud, thingKey, id)).length
      const second = await start(t, pay)
      assert.equal((await answered(cloud, id)).status, 'completed')
      await eventually('no open mail', () => second.client.status().mailbox?.open === 0)
      assert.equal(calls, 1)
      const acks = await acksOf(cloud, thingKey, id)
      assert.equal(acks.length, before + 1)
      for (const ack of acks) assert.deepEqual(ack, { id, errorCode: 0, params: { calls: 1 } })
      await cloud.clearFaults()
    })

  await t.test('a call that was handed over is listed for the next process, which answers it', async t => {
    let calls = 0
    const update = (client: Client) =>
      client.actions.register('update', async (_request, { handOver }) => {
        calls++
        await handOver()
      })
    const start = processes()
    const first = await start(t, update)
    const { thingKey } = first
    await cloud.fault('redeliverMail', { thingKey, when: 'check' })
    const id = await send(cloud, thingKey, 'update')
    await eventually('the end of the call', () => calls === 1 && first.client.status().actions.length === 0)
    await first.client.disconnect({ timeoutMs: 500 })
    const second = await start(t, update)
    await eventually('a check', () => (second.client.status().mailbox?.repeated ?? 0) > 0)
    assert.deepEqual(await acksOf(cloud, thingKey, id), [])
    assert.deepEqual(await second.client.actions.handedOver(), [{ id, name: 'update' }])
    const receipt = await second.client.actions.acknowledge(id, { status: Status.Success, message: 'version 2' })
    await receipt.delivered({ timeoutMs: 20_000 })
    assert.equal((await answered(cloud, id)).status, 'completed')
    assert.deepEqual(await second.client.actions.handedOver(), [])
    assert.equal(calls, 1)
    await cloud.clearFaults()
  })

  await t.test('a healthy link without mail writes nothing to flash; a call writes only its journal', async t => {
    const { client, thingKey } = await connectedScene(t, cloud, {
      before: ({ actions }) => actions.register('go', () => {}),
    })
    await eventually('the first check', () => (client.status().mailbox?.checks ?? 0) > 0)
    const receipt = await client.telemetry.publish('n', 1)
    await receipt.delivered({ timeoutMs: 20_000 })
    assert.deepEqual(client.status().flashWrites, {})
    assert.equal((await cloud.exec(thingKey, 'go')).success, true)
    assert.deepEqual(Object.keys(client.status().flashWrites ?? {}), ['journal'])
  })

  await t.test('a client without a disk still carries out its mail', async t => {
    const scene = clientScene(t, cloud, { settings: { queue: { directory: '/proc/no-such-folder' } } })
    scene.client.actions.register('go', () => ({ message: 'gone' }))
    await scene.client.connect({ timeoutMs: 20_000 })
    assert.equal((await cloud.exec(scene.thingKey, 'go')).success, true)
    assert.match(scene.log(), /journal of actions cannot be/)
  })
})

async function startManager(t: TestContext, device: ManagedDevice, root: string) {
  const { log, text } = memoryLog()
  const restarts: string[] = []
  const manager = await Manager.open({
    appId: 'device_manager_py',
    configDir: device.folder,
    configFile: 'iot-connect.cfg',
    settings: {},
    clock: systemClock,
    log,
    onEnd: reason => void restarts.push(reason),
    powerOptions: { root, userId: 0 },
  })
  t.after(() => manager.close())
  await manager.start()
  return { manager, text, restarts }
}

/** What is left of the process finds itself on a machine that was rebooted. */
function changeBootId(file: string): void {
  const steps: Uint8Array[] = []
  scanRecords(readFileSync(file), ({ body }) => {
    const text = Buffer.from(body).toString('latin1')
    steps.push(frameRecord(Buffer.from(text.replace(/"bootId":"[^"]*"/, '"bootId":"the-boot-before"'), 'latin1')))
    return undefined
  })
  writeFileSync(file, Buffer.concat(steps))
}

test('a reboot whose answer did not get through is answered truthfully at the next start', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud, { manager: { actions_enabled: { reboot_device: true, reset_agent: true } } })
  const { thingKey } = device
  const root = device.path('root')
  mkdirSync(join(root, 'sbin'), { recursive: true })
  writeFileSync(join(root, 'sbin/reboot'), `#!/bin/sh\necho reboot >> ${device.path('rebooted')}\n`)
  chmodSync(join(root, 'sbin/reboot'), 0o755)
  const journal = device.path('queue', thingKey, 'actions.journal')

  const first = await startManager(t, device, root)
  await cloud.waitForThing(thingKey)
  await cloud.fault('swallowRequest', { thingKey, command: 'mailbox.ack' })
  await cloud.fault('redeliverMail', { thingKey, when: 'check' })
  const ids = [await send(cloud, thingKey, 'reboot_device')]
  await eventually('the reboot', () => existsSync(device.path('rebooted')))
  // The machine goes down: nothing gets through any more.
  await cloud.fault('refuseLogin', { thingKey })
  await cloud.fault('closeConnections', { thingKey })
  await cloud.waitForThing(thingKey, { connected: false })
  await first.manager.close()
  const kept = readFileSync(journal)
  await cloud.clearFaults()
  await cloud.fault('redeliverMail', { thingKey, when: 'check' })

  // It did not: the same run of the system.
  const second = await startManager(t, device, root)
  const [id = ''] = ids
  const mail = await answered(cloud, id)
  assert.equal(mail.status, 'completed-error')
  assert.match(JSON.stringify((await acksOf(cloud, thingKey, id)).at(-1)), /"errorCode":19.*the machine did not reboot/)
  await second.manager.close()

  // The same journal after a reboot: the cloud has an answer already, and gets the true one of this machine once.
  writeFileSync(journal, kept)
  changeBootId(journal)
  const mark = await cloud.mark()
  await startManager(t, device, root)
  await cloud.heard({ since: mark, thingKey, direction: 'in', command: 'mailbox.ack', contains: id })
  assert.deepEqual((await acksOf(cloud, thingKey, id)).at(-1), { id, errorCode: 0, errorMessage: '' })
  assert.equal(readFileSync(device.path('rebooted'), 'utf8'), 'reboot\n')
})

test('message_ids of the Python agent is honoured once, before its call can come again', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud)
  const { thingKey } = device
  const setUp = await startManager(t, device, device.path('root'))
  await cloud.waitForThing(thingKey)
  await setUp.manager.close()
  await cloud.waitForThing(thingKey, { connected: false })
  // The Python agent was restarted by this call, and left the answer to the next process.
  const id = await send(cloud, thingKey, 'reset_agent')
  device.write('runtime/message_ids', `no line of ours\n${id},0\n`)
  await cloud.fault('redeliverMail', { thingKey, when: 'check' })
  const { restarts } = await startManager(t, device, device.path('root'))
  assert.equal((await answered(cloud, id)).status, 'completed')
  await eventually('the line gone', () => device.read('runtime/message_ids') === 'no line of ours\n')
  assert.deepEqual(restarts, [])
  assert.deepEqual(await acksOf(cloud, thingKey, id), [{ id, errorCode: 0, errorMessage: '' }])
})
