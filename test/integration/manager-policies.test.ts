// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { Client } from '../../src/client/client.ts'
import { eventually } from '../helpers/eventually.ts'
import { type LocalCloud, startCloud } from '../helpers/local-cloud.ts'
import { deviceToken, ManagedDevice as Folder, type ManagedDevice, makeDevice } from '../helpers/managed-device.ts'
import { memoryLog } from '../helpers/memory-log.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { offerPackages, writePackage } from '../helpers/update-packages.ts'

const key = `ed25519:${Buffer.alloc(32, 7).toString('base64')}`
const change = (device: ManagedDevice, name: string, members: object) =>
  device.write(name, { ...JSON.parse(device.read(name)), ...members })

/** Every action that a mistake may close, called as an operator does. */
function callsOf(cloud: LocalCloud, thingKey: string) {
  return {
    download: () => cloud.exec(thingKey, 'file_download', { file_name: 'nothing.txt' }),
    upload: () => cloud.exec(thingKey, 'file_upload', { file_path: '/etc/hostname' }),
    update: () => cloud.exec(thingKey, 'software_update', { package: 'unsigned.zip' }),
    reach: () => cloud.exec(thingKey, 'remote-access', { url: 'wss://localhost:1', host: 'localhost', protocol: 22 }),
    ping: () => cloud.exec(thingKey, 'ping'),
  }
}

async function scene(t: TestContext, connection: object, manager: object = {}) {
  const cloud = await startCloud(t, { token: deviceToken })
  await offerPackages(t, cloud, [{ name: 'unsigned.zip', manifest: { install: 'touch ../../installed' } }])
  const device = makeDevice(t, cloud, { connection, manager })
  const running = await device.start()
  await cloud.waitForThing(device.thingKey)
  return { cloud, device, running, call: callsOf(cloud, device.thingKey) }
}

test('mistakes in policies: the link stays, what they decide answers 18, all are told of it, and a reload mends it', async t => {
  const { cloud, device, running, call } = await scene(
    t,
    { file_transfer: { alow: [] }, ota: { require_signature: 'yes' }, 'remote_access.allow': null },
    { actions_enabled: { reset_agnet: false } },
  )
  const cfg = device.path('iot-connect.cfg')
  const closed: readonly (readonly [keyof typeof call, RegExp])[] = [
    [
      'download',
      /^file_download is closed because of a mistake .*iot-connect\.cfg:\d+:\d+: file_transfer\.alow is not/,
    ],
    ['upload', /^file_upload is closed .*Did you mean "file_transfer\.allow"\?.*Correct its name/],
    [
      'update',
      /^software_update is closed .*iot-connect\.cfg:\d+:\d+: ota\.require_signature is "yes"\. Write true or/,
    ],
    ['reach', /^remote-access is closed .*remote_access\.allow is null\. Write a list/],
    ['ping', /^ping is closed .*iot\.cfg:\d+:\d+: actions_enabled\.reset_agnet is not a switch/],
  ]
  for (const [name, why] of closed) {
    const { errorCodes, errorMessages } = await call[name]()
    assert.deepEqual(errorCodes, [18], name)
    assert.match(errorMessages?.[0] ?? '', why)
  }
  assert.ok(!existsSync(device.path('installed')))

  await cloud.heard({ thingKey: device.thingKey, command: 'log.publish', contains: 'Closed because of mistakes' })
  await running.says(/ERROR.*ota is closed: is "yes".*iot-connect\.cfg/)
  const status = JSON.parse((await device.run('status', '--json')).out)
  assert.equal(status.link.state, 'up')
  assert.deepEqual(status.closed.map((one: { capability: string }) => one.capability).sort(), [
    'actions_enabled.reset_agent',
    'file_transfer',
    'ota',
    'remote_access',
  ])
  assert.ok(status.closed.every((one: { line: number; text: string }) => one.line > 0 && one.text.includes(': ')))
  const shown = await device.run('status')
  assert.match(shown.out, /^closed {5}.*, because of a mistake: .*iot/m)
  const check = await device.run('config', 'check')
  assert.equal(check.code, 3)
  for (const name of [
    'file_transfer.alow',
    'ota.require_signature',
    'remote_access.allow',
    'actions_enabled.reset_agnet',
  ])
    assert.ok(check.err.includes(`: ${name} is `), name)
  const show = await device.run('config', 'show')
  assert.equal(show.code, 3)
  assert.match(show.out, /^ota\.require_signature = true {2}\(closed by a mistake in ota\.require_signature\)$/m)
  assert.match(show.out, /^file_transfer\.allow = \[\] {2}\(closed by a mistake in file_transfer\.alow\)$/m)

  change(device, 'iot-connect.cfg', {
    file_transfer: { allow: ['/etc'] },
    ota: { require_signature: false },
    'remote_access.allow': [],
  })
  change(device, 'iot.cfg', { actions_enabled: { reset_agent: true } })
  running.kill('SIGHUP')
  await running.says(/configuration reloaded/)
  await cloud.heard({ thingKey: device.thingKey, command: 'log.publish', contains: 'nothing is closed' })
  assert.ok((await call.ping()).success)
  assert.ok((await call.upload()).success)
  assert.ok((await call.update()).success)
  assert.deepEqual((await call.reach()).errorCodes, [10])
  assert.deepEqual(JSON.parse((await device.run('status', '--json')).out).closed, [])

  // And the other way: a reload closes what was open, the link stays, and so does what has no mistake.
  change(device, 'iot-connect.cfg', { file_transfer: '' })
  running.kill('SIGHUP')
  await running.says(/file_transfer is closed: is not an object/)
  assert.deepEqual((await call.upload()).errorCodes, [18])
  assert.ok((await call.ping()).success)
  assert.equal(JSON.parse((await device.run('status', '--json')).out).link.reconnects, 0)
  assert.equal(existsSync(cfg), true)
})

test('a key alone makes an unsigned package and an absolute path refused; config show says by what', async t => {
  const { device, call } = await scene(t, { 'ota.public_keys': [key] })
  const update = await call.update()
  assert.deepEqual(update.errorCodes, [10])
  assert.match(update.errorMessages?.[0] ?? '', /not signed, and ota\.require_signature/)
  assert.ok(!existsSync(device.path('installed')))
  const upload = await call.upload()
  assert.deepEqual(upload.errorCodes, [10])
  assert.match(upload.errorMessages?.[0] ?? '', /file_transfer\.allow/)
  const show = await device.run('config', 'show')
  assert.equal(show.code, 0, show.err)
  assert.match(show.out, /^ota\.require_signature = true {2}\(by ota\.public_keys\)$/m)
  assert.match(show.out, /^file_transfer\.allow = \[\] {2}\(by ota\.require_signature\)$/m)
  assert.deepEqual(JSON.parse((await device.run('status', '--json')).out).warnings, [])
})

test('a device that migrates keeps its reach, and log, status and config check say so with the remedy', async t => {
  const { device, running, call } = await scene(t, {})
  assert.ok((await call.upload()).success)
  assert.ok((await call.update()).success)
  const warning = /file_transfer\.allow is absent: the cloud may read and write every file.*Name the folders/
  await running.says(/WARN.*is absent: the cloud may read and write every file.*remedy="Name the folders/)
  const check = await device.run('config', 'check')
  assert.equal(check.code, 0, check.err)
  assert.match(check.err, warning)
  assert.match((await device.run('status')).out, /^warnings {3}.*file_transfer\.allow is absent/m)
  const { warnings } = JSON.parse((await device.run('status', '--json')).out)
  assert.match(warnings.map((one: { text: string }) => one.text).join(), warning)
})

test('an application keeps its link whatever is wrong with policies, which the device manager alone has', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud, { connection: { ota: null, file_transfer: { allow: '' } } })
  const { log, text } = memoryLog()
  // Not the log itself: that would be the device manager's, which tells of mistakes in its own way.
  const logger = {
    error: log.error.bind(log),
    warn: log.warn.bind(log),
    info: log.info.bind(log),
    debug: log.debug.bind(log),
  }
  const client = new Client('app', { configDir: device.folder, configFile: 'iot-connect.cfg', logger })
  t.after(() => client.disconnect())
  await client.connect({ timeoutMs: 20_000 })
  assert.match(text(), /WARN .*is not an object.*key=ota/)
  assert.match(text(), /WARN .*is "".*key=file_transfer\.allow/)
})

test('ota install believes no file that is not there', async t => {
  const device = new Folder(tempDir(t), 'lonely')
  t.after(() => device.stop())
  const path = writePackage(device.folder, 'own.zip', { install: 'touch ../../installed' })
  const install = async (...words: string[]) => {
    const { code, err } = await device.run('ota', 'install', path, ...words)
    assert.equal(existsSync(device.path('installed')), code === 0, `${words.join(' ')}: ${err}`)
    return { code, err }
  }
  const absent = await install()
  assert.equal(absent.code, 6)
  assert.match(absent.err, /no connection file .*iot-connect\.cfg .*ota\.public_keys.*--config-dir.*--unsigned/)
  device.write('other/device_id', 'x')
  assert.equal((await install('-c', 'other')).code, 6)
  for (const words of [
    ['-c', 'ohter'],
    ['-c', 'ohter', '--unsigned'],
    ['-f', 'no.cfg'],
    ['-f', 'no.cfg', '--unsigned'],
  ]) {
    const { code, err } = await install(...words)
    assert.equal(code, 3, words.join(' '))
    assert.match(err, /ohter: is not a folder\. Correct --config-dir|no\.cfg: does not exist\. Correct --config-file/)
  }
  assert.ok(!existsSync(device.path('ohter')), 'a mistyped folder is not made')
  // What the owner does say goes before --unsigned, and so does a mistake in it.
  device.write('iot-connect.cfg', { 'ota.require_signature': true })
  const required = await install('--unsigned')
  assert.equal(required.code, 6)
  assert.match(required.err, /ota\.require_signature/)
  device.write('iot-connect.cfg', { ota: { require_signature: false, public_key: key } })
  for (const words of [[], ['--unsigned']]) {
    const { code, err } = await install(...words)
    assert.equal(code, 6)
    assert.match(err, /mistake in the configuration: .*iot-connect\.cfg:\d+:\d+: ota\.public_key is not a setting/)
  }
  const verified = await device.run('ota', 'verify', path)
  assert.equal(verified.code, 6)
  assert.match(verified.err, /ota\.public_key is not a setting/)
  assert.equal((await device.run('ota', 'verify', path, '-c', 'other')).code, 3)
  assert.equal((await device.run('ota', 'verify', path, '-f', 'no.cfg')).code, 3)
  assert.equal((await device.run('ota', 'verify', path, '-p', key)).code, 0)

  // The section in the other file says nothing, and nobody is to find that out by an unsigned package.
  device.write('iot-connect.cfg', {})
  device.write('iot.cfg', { ota: { require_signature: true, public_keys: [key] } })
  const misplaced = await install()
  assert.equal(misplaced.code, 6)
  assert.match(misplaced.err, /iot\.cfg:\d+:\d+: ota has no effect in iot\.cfg\. Move it to the connection file/)

  device.write('iot.cfg', {})
  assert.equal((await install()).code, 0)
})

test('ota install --unsigned stands in for the missing connection file', async t => {
  const device = new Folder(tempDir(t), 'lonely')
  t.after(() => device.stop())
  const path = writePackage(device.folder, 'own.zip', { install: 'touch ../../installed' })
  assert.equal((await device.run('ota', 'install', path, '--unsigned')).code, 0)
  await eventually('the package', () => existsSync(device.path('installed')))
})

test('mistakes are logged before the folders of the file actions are looked at, at the start and at a reload', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud, { connection: { ota: { require_signature: 'yes' } } })
  mkdirSync(device.runtime, { recursive: true })
  symlinkSync('/etc', device.path('runtime/upload'))
  const running = await device.start()
  const folder = /a folder is closed to file actions/
  await eventually('the start has looked at the folders', () => folder.test(running.err))
  assert.match(running.err, /ota is closed.*a folder is closed/s)
  const from = running.err.length
  change(device, 'iot-connect.cfg', { 'remote_access.allow': null })
  running.kill('SIGHUP')
  await eventually('the reload has looked at them', () => folder.test(running.err.slice(from)))
  assert.match(running.err.slice(from), /remote_access is closed.*a folder is closed/s)
})
