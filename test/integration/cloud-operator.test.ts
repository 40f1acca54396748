// SPDX-License-Identifier: Apache-2.0
/** The operator's password: who knows it, where it lies, and how often one may guess. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { startCloud } from '../helpers/local-cloud.ts'
import { http, plainDevice } from '../helpers/plain-device.ts'
import { cloudScript } from '../helpers/program.ts'
import { tempDir } from '../helpers/temp-dir.ts'

const needsRoot = process.geteuid?.() === 0 ? false : 'only root can become another user'

/** Starts the cloud as a person does, until its ready line or its end. */
async function begin(t: TestContext, args: readonly string[], password?: string) {
  const { DEVICE_CLOUD_OPERATOR_PASSWORD: _, ...env } = process.env
  const given = password === undefined ? {} : { DEVICE_CLOUD_OPERATOR_PASSWORD: password }
  const ports = ['--mqtt', '0', '--mqtts', '0', '--https', '0', '--data', tempDir(t)]
  const child = spawn(process.execPath, [cloudScript(), ...ports, ...args], {
    env: { ...env, ...given, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(() => child.kill('SIGKILL'))
  let err = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const lines: string[] = []
  const ready = new Promise<void>(resolve => {
    createInterface({ input: child.stdout }).on('line', line => {
      lines.push(line)
      resolve()
    })
  })
  const ended = once(child, 'close').then(([code]) => code as number)
  const code = await Promise.race([ready.then(() => undefined), ended])
  return { code, lines, err: () => err }
}

test('the first start makes a password and prints it in the ready line; later starts print the same; other folders have others', async t => {
  const cloud = await startCloud(t)
  const { password } = cloud
  assert.match(password, /^[a-z2-9-]{23}$/)
  assert.equal((await cloud.ask('session.info')).userName, 'admin')
  assert.equal(readFileSync(join(cloud.dir, 'operator-password'), 'utf8').trim(), password)
  await cloud.restart()
  assert.equal(cloud.password, password)
  assert.equal((await cloud.ask('session.info')).userName, 'admin')
  assert.notEqual((await startCloud(t)).password, password)
  for (const guess of ['admin', 'demo', 'password', '']) {
    const params = { username: cloud.user, password: guess }
    const { body } = await http(cloud, 'POST', '/api', {
      body: JSON.stringify({ auth: { command: 'api.authenticate', params } }),
    })
    assert.match(body.toString(), /"success":false/, guess)
  }
})

test('a password that the caller chose is neither printed nor stored', async t => {
  const dir = tempDir(t)
  for (const [args, env] of [
    [['--password', 'Chosen-4711'], undefined],
    [[], 'Chosen-4711'],
  ] as const) {
    const { code, lines, err } = await begin(t, ['--data', dir, ...args], env)
    assert.equal(code, undefined)
    assert.equal(lines.length, 1)
    assert.deepEqual(Object.keys(JSON.parse(lines[0] ?? '')), ['ready', 'mqtt', 'mqtts', 'https', 'ca', 'token'])
    assert.doesNotMatch(lines.join() + err(), /Chosen/)
  }
  assert.throws(() => statSync(join(dir, 'operator-password')))
})

test('--host other than loopback refuses widely known secrets', async t => {
  for (const [args, told] of [
    [
      [],
      /^local cloud: --host 0\.0\.0\.0: .*token of devices is widely known\. Choose another one with --token\. See --help\.\n$/,
    ],
    [
      ['--token', 'long-enough-1', '--password', 'admin'],
      /password of the operator is widely known\. Choose another one with --password\./,
    ],
  ] as const) {
    const { code, lines, err } = await begin(t, ['--host', '0.0.0.0', ...args])
    assert.deepEqual([code, lines], [2, []])
    assert.match(err(), told)
  }
})

test('eight wrong passwords lock the operator, by HTTPS and MQTT together, and the right one does not help [TR50 9]', async t => {
  const cloud = await startCloud(t)
  const tries = (password: string) => ({ command: 'api.authenticate', params: { username: cloud.user, password } })
  const login = async (...passwords: string[]) => {
    const commands = Object.fromEntries(passwords.map((password, at) => [`c${at}`, tries(password)]))
    const { body } = await http(cloud, 'POST', '/api', { body: JSON.stringify(commands) })
    return Object.values<{ success: boolean; errorMessages?: string[] }>(JSON.parse(body.toString()))
  }
  assert.equal((await login('wrong', cloud.password))[1]?.success, true, 'a success forgets what was before')
  const byMqtt = () => plainDevice(t, cloud, 'somebody', { username: cloud.user, password: 'wrong' })
  for (let times = 0; times < 3; times++) await assert.rejects(byMqtt())
  const answers = await login('a', 'b', 'c', 'd', 'e', cloud.password)
  assert.deepEqual(
    answers.map(({ success }) => success),
    Array(6).fill(false),
  )
  assert.match(String(answers.at(-1)?.errorMessages), /Too many wrong passwords: .* again in 30 minutes/)
  await assert.rejects(plainDevice(t, cloud, 'somebody', { username: cloud.user, password: cloud.password }))
  // Devices have nothing to do with that.
  assert.equal((await (await plainDevice(t, cloud, 'dev-1')).command('diag.ping')).success, true)
})

test('another user of the machine reads neither the password nor a key nor a file of the cloud', {
  skip: needsRoot,
}, async t => {
  const cloud = await startCloud(t)
  // Also where a person made the folder, for all to read.
  chmodSync(cloud.dir, 0o755)
  const device = await plainDevice(t, cloud, 'dev-1')
  const { params } = await device.command('file.put', { fileName: 'a' })
  await http(cloud, 'POST', `/file/${params.fileId}`, { body: 'content' })
  const script = `cd "$1" || exit 9; cat ca.pem >/dev/null || exit 8; for f in operator-password *-key.pem files-*/*; do cat "$f" 2>/dev/null && exit 1; done; ls files-* 2>/dev/null && exit 2; touch x 2>/dev/null && exit 3; exit 0`
  const tried = spawnSync('/bin/sh', ['-c', script, 'sh', cloud.dir], { uid: 65_534, gid: 65_534, encoding: 'utf8' })
  assert.deepEqual([tried.status, tried.stdout], [0, ''])
})
