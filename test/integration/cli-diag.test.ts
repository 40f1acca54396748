// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  lchownSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { needsRoot, stranger } from '../helpers/as-root.ts'
import { startCloud } from '../helpers/local-cloud.ts'
import { deviceToken, type ManagedDevice, makeDevice } from '../helpers/managed-device.ts'
import { agentScript } from '../helpers/program.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { unpackArchive } from '../helpers/unpacked-archive.ts'

/** Planted where a device may hold them, none of them may leave it. */
const secrets = [
  deviceToken,
  'Proxy-Pass-4711',
  'proxy-bobby',
  'Hello-Token-0816',
  'url-pass-1',
  'relay-key-77',
  'logged-token-9',
  'key-of-relay-action',
]

function plant(device: ManagedDevice): void {
  device.write('hello-connect.cfg', {
    cloud: { host: 'x.example', port: 8883, token: 'Hello-Token-0816' },
    proxy: { type: 'http', host: 'p', port: 1, username: 'proxy-bobby', password: 'Proxy-Pass-4711' },
  })
  device.write(
    'device_manager.log',
    [
      `line with the token ${deviceToken} in it`,
      `and as Base64 ${Buffer.from('proxy-bobby:Proxy-Pass-4711').toString('base64')}`,
      `encoded ${encodeURIComponent(deviceToken)} {"said":"{\\"token\\":\\"logged-token-9\\"}"}`,
      'GET https://bob:url-pass-1@cloud.example/x and wss://relay.example:443/relay-key-77?x=relay-key-77',
      'the last line of the log file',
      '',
    ].join('\n'),
  )
  device.write(`runtime/upload/${deviceToken}.bin`, 'content of a file')
  device.write('runtime/upload/harmless.bin', 'content of a file')
}

/** Runs `diag` and unpacks what it wrote; fails when a secret got out in any way. */
async function diag(device: ManagedDevice, ...words: string[]) {
  const { code, out, err } = await device.run('diag', ...words)
  assert.equal(code, 0, err)
  const path = out.trim()
  assert.equal(statSync(path).mode & 0o7777, 0o600)
  const { files, bytes } = unpackArchive(readFileSync(path))
  for (const secret of secrets)
    for (const spelling of [
      secret,
      encodeURIComponent(secret),
      Buffer.from(secret).toString('base64').replace(/=+$/, ''),
    ])
      assert.ok(!bytes.includes(spelling) && !`${out}${err}`.includes(spelling), `${spelling} is in the archive`)
  const json = (name: string) => JSON.parse(files.get(name) ?? `"no ${name}: ${err}"`)
  const partOf = (name: string) => json('summary.json').parts.find((part: { name: string }) => part.name === name)
  return { path, files, json, partOf, err }
}

test('diag shows a running manager, does not disturb it, and shows no secret', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud)
  plant(device)
  const manager = await device.start()
  await cloud.waitForThing(device.thingKey)
  const url = `wss://localhost:${cloud.https}/relay/key-of-relay-action`
  await cloud.exec(device.thingKey, 'remote-access', { host: 'localhost', protocol: String(cloud.https), url })
  const { path, files, json, err } = await diag(device, '-i', 'device_manager_py')
  assert.match(basename(path), new RegExp(`^device-cloud-diag-${device.thingKey}-\\d{8}T\\d{6}Z\\.tar\\.gz$`))
  assert.deepEqual(
    json('summary.json').parts.filter((part: { outcome: string }) => part.outcome !== 'there'),
    [],
    err,
  )
  const { version, commit, target } = JSON.parse(
    execFileSync(process.execPath, [agentScript(), 'version', '--json'], { encoding: 'utf8' }),
  )
  const said = json('version.json')
  assert.deepEqual(
    [said.version, said.commit, said.target],
    [version, commit, target],
    'no redaction takes the commit for a secret',
  )
  assert.equal(json('status.json').thingKey, device.thingKey)
  assert.equal(json('status.json').link.state, 'up')
  assert.deepEqual([json('check.json').ok, json('config-check.json').ok], [true, true])
  assert.match(JSON.stringify(json('check.json')), /the running device manager is connected/)
  const host = json('config-show.json').connection.find((row: { key: string }) => row.key === 'cloud.host')
  assert.deepEqual([host.value, host.origin.source], ['localhost', 'file'])
  assert.match(files.get('manager.log') ?? '', /device manager runs/)
  assert.match(files.get('log-file.txt') ?? '', /the last line of the log file/)
  assert.match(files.get('manager-process.txt') ?? '', /smaps_rollup\n.*rollup[\s\S]*socket \d/)
  assert.match(files.get('system.txt') ?? '', /MemTotal[\s\S]*=== \/proc\/mounts/)
  assert.match(files.get('network.txt') ?? '', /127\.0\.0\.1/)
  assert.match(files.get('folders.txt') ?? '', /"upload\/harmless\.bin"/)
  assert.ok(![...files.values()].some(text => text.includes('content of a file')))
  assert.ok(json('space.json').runtimeDir.freeBytes > 0)
  assert.ok(json('queue.json').things[device.thingKey]['actions.journal'].records > 0)
  const sessions = (await cloud.connections('mqtts')).filter(({ clientId }) => clientId === device.thingKey)
  assert.deepEqual([sessions.length, sessions[0]?.closedTs], [1, undefined], 'the session of the manager goes on')
  manager.kill('SIGTERM')
  await manager.ended
})

test('diag works with a broken configuration and without a manager or a network, and says what is missing', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud)
  plant(device)
  const broken = device.read('iot-connect.cfg').replace(/,/, ', oops "Proxy-Pass-4711"')
  device.write('iot-connect.cfg', broken)
  device.write('iot.cfg', '{"runtime_dir": "runtime", "download_timeout": "soon"}')
  const { json, files, partOf, err } = await diag(device, '-o', device.path('my.tar.gz'))
  assert.equal(json('config-check.json').ok, false)
  assert.match(files.get('config-show.json') ?? '', /iot-connect\.cfg/)
  assert.equal(partOf('status.json').outcome, 'failed')
  assert.match(partOf('status.json').why, /MANAGER_NOT_RUNNING.*no such socket/)
  assert.match(partOf('check.json').why, /CONFIG_INVALID/)
  assert.match(err, /status\.json is missing/)
  assert.match(files.get('folders.txt') ?? '', /"upload\/harmless\.bin"/)
  const again = await device.run('diag', '-o', 'my.tar.gz')
  assert.deepEqual([again.code, again.out], [1, ''])
  assert.match(again.err, /my\.tar\.gz exists already\. Name another file with -o/)
  const { partOf: offline } = await diag(device, '-o', device.path('other.tar.gz'), '--no-network')
  assert.equal(offline('check.json'), undefined)
  assert.deepEqual(
    readdirSync(device.folder).filter(name => name.includes('tmp')),
    [],
  )
})

test('diag writes to stdout where it can write no file, and says where it could', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud)
  const nowhere = await device.run('diag', '--no-network', '-o', '/proc/x.tar.gz')
  assert.equal(nowhere.code, 1)
  assert.match(nowhere.err, /Cannot create .*-o -/)
  const words = [agentScript(), 'diag', '--no-network', '-o', '-']
  const { stdout, stderr, status } = spawnSync(process.execPath, words, { cwd: device.folder, maxBuffer: 2 ** 26 })
  assert.equal(status, 0, String(stderr))
  assert.ok(unpackArchive(stdout).files.has('summary.json'))
  assert.match(String(stderr), /\d+ of \d+ parts/)
})

test('diag of root packs no file to which another user has led it', needsRoot, async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud)
  const shadow = join(tempDir(t), 'shadow')
  writeFileSync(shadow, 'root:of-root-alone\n', { mode: 0o600 })
  device.write('iot-connect.cfg', { ...JSON.parse(device.read('iot-connect.cfg')), log_file: shadow })
  rmSync(device.path('device_manager.log'), { force: true })
  symlinkSync(shadow, device.path('device_manager.log'))
  chmodSync(device.folder, 0o755)
  lchownSync(device.path('device_manager.log'), stranger, stranger)
  for (const name of ['', 'iot-connect.cfg']) chownSync(device.path(name), stranger, stranger)
  const { files } = await diag(device, '--no-network', '-o', join(tempDir(t), 'd.tar.gz'))
  for (const [name, text] of files) assert.ok(!text.includes('of-root-alone'), name)
  assert.match(files.get('log-file.txt') ?? '', /is a link of user 4711, who may not read what it leads to/)
})
