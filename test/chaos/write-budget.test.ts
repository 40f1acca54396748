// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { bundledProgram } from '../helpers/bundled-program.ts'
import { newDevice } from '../helpers/client-scene.ts'
import { diskWrites, straceMissing } from '../helpers/disk-writes.ts'
import { eventually } from '../helpers/eventually.ts'
import { type LocalCloud, startCloud } from '../helpers/local-cloud.ts'
import { agentScript } from '../helpers/program.ts'

/** An hour in the long form. */
const watchMs = process.env.DEVICE_CLOUD_LONG === '1' ? 3_600_000 : 6_000
const skip = straceMissing()

function writeConfig(dir: string, name: string, cloud: LocalCloud, durability: string): void {
  const { host, mqtts, token, ca } = cloud
  const config = { cloud: { host, port: mqtts, transport: 'mqtts', token }, ca_bundle_file: ca, queue: { durability } }
  writeFileSync(join(dir, name), JSON.stringify(config), { mode: 0o600 })
}

/** Starts a program that runs until the test ends. */
function run(t: TestContext, script: string, ...words: string[]) {
  const child = spawn(process.execPath, [script, ...words], { stdio: ['pipe', 'pipe', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  const { pid } = child
  assert.ok(pid !== undefined)
  return { pid, stdout: child.stdout, stderr: child.stderr }
}

test('what goes to flash', { skip, concurrency: 4 }, async t => {
  const cloud = await startCloud(t)
  const steady = await bundledProgram(t, 'chaos/programs/steady.ts')

  const watched = async (t: TestContext, durability: string, everyMs: number): Promise<string[]> => {
    const dir = newDevice(t)
    writeConfig(dir, 'steady-connect.cfg', cloud, durability)
    const { pid, stdout } = run(t, steady, dir, String(everyMs))
    await once(stdout, 'data')
    return diskWrites(t, pid, watchMs)
  }

  await Promise.all([
    t.test('spill: an application that does nothing writes nothing', async t => {
      assert.deepEqual(await watched(t, 'spill', 0), [])
    }),
    t.test('spill: telemetry that the cloud takes promptly writes nothing', async t => {
      assert.deepEqual(await watched(t, 'spill', 50), [])
    }),
    t.test('always: each sample is written, and the watch sees it', async t => {
      const writes = await watched(t, 'always', 50)
      assert.ok(
        writes.some(line => /write\(\d+<.*telemetry/.test(line)),
        writes.slice(0, 5).join('\n'),
      )
      assert.ok(writes.some(line => /fdatasync/.test(line)))
    }),
    t.test('the device manager writes nothing, idle but for its health telemetry', async t => {
      const manager = agentScript()
      const dir = newDevice(t)
      writeConfig(dir, 'iot-connect.cfg', cloud, 'spill')
      writeFileSync(join(dir, 'iot.cfg'), JSON.stringify({ runtime_dir: 'runtime', health_interval: 1 }))
      const { pid, stderr } = run(t, manager, 'manager', '-c', dir)
      let said = ''
      stderr.on('data', data => {
        said += String(data)
      })
      await eventually('a connection', () => /connected to the cloud/.test(said))
      // What it publishes at its start is under way; it is steady when the health of the machine came twice.
      await cloud.heard({ command: 'property.*', contains: 'health_uptime_seconds' })
      const since = await cloud.mark()
      await cloud.heard({ since, command: 'property.*', contains: 'health_uptime_seconds' })
      assert.deepEqual(await diskWrites(t, pid, watchMs), [])
    }),
  ])
})
