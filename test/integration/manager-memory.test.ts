// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { askManager } from '../../src/manager/local-api/client.ts'
import { eventually } from '../helpers/eventually.ts'
import { startCloud } from '../helpers/local-cloud.ts'
import { deviceToken, type ManagedDevice, makeDevice, RunningCommand } from '../helpers/managed-device.ts'

/** A manager whose patience with its memory is counted in seconds; without a limit as yet. */
async function impatient(device: ManagedDevice): Promise<RunningCommand> {
  setLimit(device, 0)
  const words = ['-i', 'device_manager_py', '--log-to-file']
  const script = 'test/integration/programs/impatient-manager.ts'
  const manager = new RunningCommand(words, device.folder, { script })
  await manager.says(/device manager runs/)
  return manager
}

function setLimit(device: ManagedDevice, megabytes: number): void {
  device.write('iot.cfg', { ...JSON.parse(device.read('iot.cfg')), memory_soft_limit: megabytes })
}

const ask = (device: ManagedDevice, request: object) =>
  askManager({ path: join(device.runtime, 'device-cloud.sock'), request: { ...request } })

const logged = (device: ManagedDevice, pattern: RegExp) =>
  eventually(`${pattern} in the log`, () => pattern.test(device.read('device_manager.log')), 30_000)

const starts = (device: ManagedDevice) => device.read('device_manager.log').match(/device manager runs/g)?.length

test('memory above the limit: a running transfer ends, then the manager restarts once, and tells the cloud why', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud)
  const manager = await impatient(device)
  const key = device.thingKey
  await cloud.waitForThing(key)
  device.write('runtime/upload/firmware.bin', 'x'.repeat(40_000))
  assert.ok((await cloud.exec(key, 'file_upload', { file_name: 'firmware.bin' })).success)
  await cloud.fault('slowDownload', { bytesPerSecond: 10_000 })
  const download = cloud.exec(key, 'file_download', { file_name: 'firmware.bin' }, { ackTimeout: 60 })
  await eventually('the running action', async () => {
    const { runningActions } = await ask(device, { do: 'status' })
    return JSON.stringify(runningActions).includes('file_download')
  })
  setLimit(device, 1)
  manager.kill('SIGHUP')
  const { success, errorMessages } = await download
  assert.ok(success, errorMessages?.[0])
  await eventually('the second start', () => starts(device) === 2, 30_000)
  const log = device.read('device_manager.log')
  const order = ['spilling to flash and collecting', 'restarting as soon as', 'downloaded', 'restarting for memory']
  const places = order.map(text => log.indexOf(text))
  assert.deepEqual(
    places,
    [...places].sort((a, b) => a - b),
    log,
  )
  assert.ok(places[0] !== -1)
  const said =
    /memory_restart: the device manager restarted itself at 20\S+: it held \d+\.\d MB, above memory_soft_limit/
  const event = await cloud.heard({ thingKey: key, command: 'log.publish', contains: 'memory_restart' })
  assert.match(JSON.stringify(event.payload), said)

  // Above it again: no third start, and a word about it.
  await cloud.heard({ thingKey: key, command: 'log.publish', contains: 'memory_pressure' })
  const { memory } = await ask(device, { do: 'status' })
  const { pressure, restartedFor, softLimitBytes } = memory as { [name: string]: unknown }
  assert.deepEqual([pressure, softLimitBytes], ['holding', 1024 * 1024])
  assert.match(JSON.stringify(restartedFor), /"usedBytes":\d{7}/)
  assert.match((await device.run('status')).out, /soft limit 1\.0 MB \(above for .*: holding\)\n +restarted at 20/)
  assert.ok(!existsSync(device.path('runtime/memory_restart')))
  assert.equal(starts(device), 2)
  // The limit may be raised while it runs.
  setLimit(device, 4000)
  process.kill((await device.managerPid()) ?? 0, 'SIGHUP')
  await logged(device, /memory is below the soft limit again/)
})

for (const durability of ['spill', 'memory'] as const) {
  const when = durability === 'spill' ? 'while the cloud is away' : 'only when the cloud has what waits'
  test(`queue.durability ${durability}: the manager restarts for memory ${when}, and nothing is lost`, async t => {
    const cloud = await startCloud(t, { token: deviceToken })
    const device = makeDevice(t, cloud, { connection: { queue: { durability } } })
    const manager = await impatient(device)
    const key = device.thingKey
    await cloud.waitForThing(key)
    await cloud.restart({
      whileDown: async () => {
        const values = Array.from({ length: 30 }, (_, number) => number)
        for (const value of values)
          await ask(device, { do: 'publish', kind: 'telemetry', name: 'level', value, timestamp: stamp(value) })
        setLimit(device, 1)
        manager.kill('SIGHUP')
        if (durability === 'spill') await eventually('the second start', () => starts(device) === 2, 30_000)
        else await logged(device, /the restart for memory waits: it would lose samples/)
      },
    })
    await eventually(
      'all samples',
      async () => {
        const reply = await cloud.api('property.history', {
          thingKey: key,
          key: 'level',
          start: stamp(0),
          end: stamp(59),
          records: 100,
        })
        const values: { value: number }[] = reply.params?.values ?? []
        return new Set(values.map(({ value }) => value)).size === 30
      },
      60_000,
    )
    await cloud.heard({ thingKey: key, command: 'log.publish', contains: 'memory_restart' }, undefined, {
      timeoutMs: 60_000,
    })
    assert.equal(starts(device), 2)
  })
}

/** A time of this year for each sample, so that none hides another. */
function stamp(second: number): string {
  return new Date(Date.UTC(2026, 5, 1, 0, 0, second)).toISOString()
}
