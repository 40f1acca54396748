// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { configFolder } from '../helpers/config-folder.ts'
import { fromSource } from '../helpers/from-source.ts'
import { agentScript } from '../helpers/program.ts'
import { tempDir } from '../helpers/temp-dir.ts'

const program = (name: string) => resolve(import.meta.dirname, 'programs', name)

/** Files of the system of its own, and a network with nothing but loopback. */
const enter = [
  'mount --make-rprivate /',
  'mount --bind "$1/resolv.conf" /etc/resolv.conf',
  'mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf',
  '{ ip link set lo up || busybox ip link set lo up; } 2>/dev/null',
  'shift',
  'exec "$@"',
].join(' && ')
const canEnter = spawnSync('unshare', ['--mount', '--net', 'true']).status === 0
const skip = canEnter ? false : 'nobody gets mounts and a network of his own here'

/** The C library would ask for five minutes. */
const patientResolver = 'nameserver 127.0.0.1\noptions timeout:30 attempts:5\n'
/** Far more than an end takes on a busy machine, and far less than that. */
const momentMs = 60_000

interface Told {
  readonly code: number | null
  readonly questions: number
  readonly said: string
  readonly tookMs: number
}

/** Runs a program where the name server is silent. */
async function whereNamesHang(
  t: TestContext,
  signal: readonly [name: string, afterQuestions: number],
  words: readonly string[],
  sources = 'files dns',
) {
  const etc = tempDir(t)
  writeFileSync(join(etc, 'resolv.conf'), patientResolver)
  writeFileSync(join(etc, 'nsswitch.conf'), `hosts: ${sources}\n`)
  const inner = [
    process.execPath,
    ...fromSource,
    program('silent-names.ts'),
    ...signal.map(String),
    process.execPath,
    ...words,
  ]
  const child = spawn('unshare', ['--mount', '--net', 'sh', '-c', enter, 'sh', etc, ...inner], { detached: true })
  t.after(() => killGroup(child.pid))
  let out = ''
  let complaint = ''
  child.stdout.on('data', part => (out += part))
  child.stderr.on('data', part => (complaint += part))
  const late = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(new Error(`the program still runs; ${complaint}`)), 4 * momentMs)
    t.after(() => clearTimeout(timer))
  })
  await Promise.race([new Promise(end => child.once('close', end)), late])
  assert.notEqual(out, '', complaint)
  const told: Told & { conf: string } = JSON.parse(out)
  assert.equal(told.conf, patientResolver)
  assert.ok(told.questions > 0, `the name server was asked; ${told.said}`)
  return told
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}

function device(t: TestContext): string {
  return configFolder(t, {
    'iot-connect.cfg': { cloud: { host: 'cloud.example.test', port: 8883, token: 'x' }, validate_cloud_cert: 'true' },
    'iot.cfg': { runtime_dir: tempDir(t) },
    device_id: 'f0000000-0000-4000-8000-000000000001',
  })
}

test('a device manager that is told to end does so while its name server is silent', { skip }, async t => {
  const told = await whereNamesHang(t, ['SIGTERM', 1], [agentScript(), 'manager', '-c', device(t)])
  assert.equal(told.code, 0, told.said)
  assert.ok(told.tookMs < momentMs, `${told.tookMs} ms; ${told.said}`)
})

test('so does one that asks the system for names, which knows more sources of them', { skip }, async t => {
  const told = await whereNamesHang(
    t,
    ['SIGTERM', 1],
    [agentScript(), 'manager', '-c', device(t)],
    'files mymachines dns',
  )
  assert.equal(told.code, 0, told.said)
  assert.ok(told.tookMs < momentMs, `${told.tookMs} ms; ${told.said}`)
})

test('check gives up on a silent name server, says so and ends', { skip }, async t => {
  const told = await whereNamesHang(t, ['SIGTERM', 0], [agentScript(), 'check', '-c', device(t)])
  assert.equal(told.code, 4, told.said)
  assert.match(told.said, /FAIL +name +cloud\.example\.test: the name server did not answer within 10 s/)
  assert.ok(told.tookMs < momentMs, `${told.tookMs} ms; ${told.said}`)
})

test('an application moves its files while look-ups hang, and ends when its clients are closed', { skip }, async t => {
  // Two questions each: four of them fill Node's pool of threads.
  const told = await whereNamesHang(t, ['SIGUSR2', 8], [...fromSource, program('hanging-client.ts'), appFolder(t)])
  assert.equal(told.code, 0, told.said)
  assert.match(told.said, /files move\ndisconnected\n/)
  assert.ok(told.tookMs < momentMs, `${told.tookMs} ms; ${told.said}`)
})

function appFolder(t: TestContext): string {
  const connect = { cloud: { host: 'cloud.example.test', port: 8883, token: 'x' }, validate_cloud_cert: 'true' }
  const files = Array.from({ length: 8 }, (_, index) => [`app-${index}-connect.cfg`, connect])
  return configFolder(t, { ...Object.fromEntries(files), device_id: 'f0000000-0000-4000-8000-000000000001' })
}
