// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { bundledProgram } from '../helpers/bundled-program.ts'
import { newDevice } from '../helpers/client-scene.ts'
import { eventually } from '../helpers/eventually.ts'
import { fakeTime, fakeTimeMissing } from '../helpers/fake-time.ts'
import { type LocalCloud, startCloud } from '../helpers/local-cloud.ts'

interface Heard {
  readonly failed?: string
  readonly says?: string
  readonly connected?: true
  readonly delivered?: true
  readonly published?: true
}

/** A device whose wall clock begins at `time`. */
async function boot(t: TestContext, cloud: LocalCloud, script: string, time: string) {
  const dir = newDevice(t)
  const { host, mqtts, token, ca } = cloud
  const config = { cloud: { host, port: mqtts, transport: 'mqtts', token }, ca_bundle_file: ca }
  writeFileSync(join(dir, 'clocked-connect.cfg'), JSON.stringify(config), { mode: 0o600 })
  const clock = fakeTime(t)
  clock.set(time)
  const child = spawn(process.execPath, [script, dir], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...clock.environment, NODE_OPTIONS: '' },
  })
  t.after(() => child.kill('SIGKILL'))
  const heard: Heard[] = []
  createInterface({ input: child.stdout }).on('line', line => heard.push(JSON.parse(line)))
  const until = (what: string, has: (one: Heard) => boolean) => eventually(what, () => heard.find(has), 30_000)
  return { clock, heard, until, child }
}

/** When the sample of the program was taken, as the cloud has it. */
async function sampleTime(cloud: LocalCloud): Promise<number> {
  const entry = await cloud.heard({ command: 'property.*', contains: '"early"' })
  const ts = /"ts":"([^"]+)"/.exec(JSON.stringify(entry.payload))?.[1] ?? ''
  return Date.parse(ts)
}

const skip = fakeTimeMissing()

for (const [scene, time, code, years] of [
  ['in 1970', '@1970-01-01 00:00:10', 'CERTIFICATE_NOT_YET_VALID', '1970'],
  ['fifty years ahead', '+50y', 'CERTIFICATE_EXPIRED', '20[67]\\d'],
] as const) {
  test(`a device that boots ${scene} says what is wrong, and connects when its clock is set`, { skip }, async t => {
    const cloud = await startCloud(t)
    const script = await bundledProgram(t, 'chaos/programs/clocked.ts')
    const beganMs = Date.now()
    const { clock, heard, until, child } = await boot(t, cloud, script, time)
    const failed = await until('a refused certificate', one => one.failed !== undefined)
    assert.equal(failed.failed, code)
    assert.match(failed.says ?? '', new RegExp(`clock of this device says ${years}-`))
    assert.equal(/before this program was built/.test(failed.says ?? ''), years === '1970')
    assert.equal(
      heard.some(one => one.connected),
      false,
    )
    clock.set('+0')
    await until('a connection', one => one.connected === true)
    await until('the sample at the cloud', one => one.delivered === true)
    assert.equal(child.exitCode, null)
    // A time far ahead cannot be told from the truth; one of 1970 can, and is put right.
    if (code === 'CERTIFICATE_NOT_YET_VALID') {
      const takenMs = await sampleTime(cloud)
      assert.ok(takenMs >= beganMs - 2000 && takenMs <= Date.now(), new Date(takenMs).toISOString())
    }
  })
}

test('a device whose clock is an hour behind connects and delivers', { skip }, async t => {
  const cloud = await startCloud(t)
  const script = await bundledProgram(t, 'chaos/programs/clocked.ts')
  const { heard, until } = await boot(t, cloud, script, '-1h')
  await until('the sample at the cloud', one => one.delivered === true)
  assert.deepEqual(
    heard.filter(one => one.failed !== undefined),
    [],
  )
})
