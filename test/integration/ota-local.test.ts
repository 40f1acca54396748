// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { cpSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { eventually } from '../helpers/eventually.ts'
import { startCloud } from '../helpers/local-cloud.ts'
import { deviceToken, ManagedDevice, makeDevice } from '../helpers/managed-device.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { offerPackages, writePackage } from '../helpers/update-packages.ts'

const examples = resolve(import.meta.dirname, '../../share/example-ota-packages')

test('a package is made, signed, checked and installed without a cloud', async t => {
  const device = new ManagedDevice(tempDir(t), 'lonely')
  t.after(() => device.stop())
  const key = await device.run('ota', 'keygen', 'fleet.key')
  assert.match(key.out, /^ed25519:[A-Za-z0-9+/=]{44}\n$/)
  const again = await device.run('ota', 'keygen', 'fleet.key')
  assert.equal(again.code, 2)
  assert.match(
    again.err,
    /exists already, and a key is never overwritten\. Name another FILE, or move the existing one away\.\n$/,
  )

  for (const name of ['success', 'rollback']) {
    cpSync(join(examples, name), device.path(name), { recursive: true })
    const { code, err } = await device.run('ota', 'pack', name, '-k', 'fleet.key')
    assert.equal(code, 0, err)
    const twice = await device.run('ota', 'pack', name, '-k', 'fleet.key')
    assert.equal(twice.code, 2)
    assert.match(twice.err, /exists already\. Remove it, or name another file with --out\.\n$/)
  }
  const verified = await device.run('ota', 'verify', 'success.tar.gz', '-p', key.out.trim(), '--require-signature')
  assert.equal(verified.code, 0, verified.err)
  assert.match(verified.out, /signature {2}valid, key [0-9a-f]{16}, second form: the whole package/)

  const ota = { public_keys: [key.out.trim()], require_signature: true }
  device.write('iot-connect.cfg', { ota })
  const installed = await device.run('ota', 'install', 'success.tar.gz', '-x', 'on site')
  assert.equal(installed.code, 0, installed.err)
  const log = device.read('runtime/otapackage/ota_install.log')
  assert.match(log, /parameters of the operator: on site\ninstalled .*greeting/)
  assert.ok(
    !existsSync(device.path('runtime/message_ids')),
    'an update that nobody asked for leaves no answer behind [O16]',
  )
  assert.ok(!existsSync(device.path('runtime/.otalock')))

  const stranger = await device.run('ota', 'install', 'rollback.tar.gz')
  assert.equal(stranger.code, 6)
  assert.match(stranger.err, /its name is "example-rollback", .*add the name to ota\.names/)
  device.write('iot-connect.cfg', { ota: { ...ota, names: ['example-rollback'] } })
  const failed = await device.run('ota', 'install', 'rollback.tar.gz')
  assert.equal(failed.code, 1)
  assert.match(failed.err, /install failed: exit code 7; last lines:.*does not work on this device/)
  assert.match(device.read('runtime/otapackage/ota_install.log'), /the setting is: old\n$/)

  const unsigned = await device.run('ota', 'pack', 'success', '-o', 'unsigned.tar.gz')
  assert.equal(unsigned.code, 0)
  const refused = await device.run('ota', 'install', 'unsigned.tar.gz')
  assert.equal(refused.code, 6)
  assert.match(refused.err, /ota\.require_signature/)
  for (const [words, why] of [
    [['install', 'nothing.zip'], /There is no package \S+\. Check its path\.\n/],
    [['install', 'fleet.key'], /must end in \.zip or \.tar\.gz/],
    [['pack', 'nowhere'], /no folder/],
    [['pack', 'success', '-k', 'success/greeting', '-o', 'x.tar.gz'], /no Ed25519 private key/],
  ] as const) {
    const { code, err } = await device.run('ota', ...words)
    assert.equal(code, 1, err)
    assert.match(err, why)
  }
})

test('keys change by a signed package, and what is damaged, over or meant for others is refused without a cloud too', async t => {
  const device = new ManagedDevice(tempDir(t), 'lonely')
  t.after(() => device.stop())
  const keygen = async (name: string) => (await device.run('ota', 'keygen', name)).out.trim()
  const [old, fresh] = [await keygen('old.key'), await keygen('new.key')]
  device.write('p/update.json', { name: 'app', install: 'echo in >>../../effects' })
  const pack = async (name: string, ...words: string[]) => {
    const made = await device.run('ota', 'pack', 'p', '-o', `${name}.tar.gz`, ...words)
    assert.equal(made.code, 0, made.err)
    return made
  }
  const install = (name: string) => device.run('ota', 'install', `${name}.tar.gz`)
  const refused = async (name: string, why: RegExp) => {
    const { code, err } = await install(name)
    assert.match(err, why)
    assert.equal(code, 6)
  }
  assert.match(
    (await pack('no-release', '-k', 'old.key')).err,
    /ota\.require_signature refuse it: update\.json has no "release"/,
  )
  await pack('one', '-k', 'old.key', '--release', '1')
  await pack('turn', '-k', 'old.key', '-k', 'new.key', '--release', '2', '--revoke', old)
  await pack('late', '-k', 'old.key', '--release', '3')
  await pack('over', '-k', 'new.key', '--release', '3', '--expires', '2024-06-01T00:00:00Z')
  await pack('theirs', '-k', 'new.key', '--release', '3', '--device', 'another', '--device', 'third')
  await pack('ours', '-k', 'new.key', '--release', '3', '--device', 'lonely-one', '--expires', '2099-01-01T00:00:00Z')
  writeFileSync(device.path('device_id'), 'lonely-one')
  device.write('iot-connect.cfg', { ota: { public_keys: [old, fresh], require_signature: true } })

  await refused('no-release', /has no "release"/)
  assert.equal((await install('one')).code, 0)
  assert.equal((await install('turn')).code, 0)
  await refused('late', /signed with key [0-9a-f]{16}, which a signed package has revoked on this device/)
  await refused('one', /it is release 1, and release 2 of "app" is installed|revoked/)
  await refused('over', /it expired at 2024-06-01T00:00:00\.000Z/)
  await refused('theirs', /names the devices that it is meant for \(2\), and this device is lonely-one/)

  const over = await device.run('ota', 'verify', 'over.tar.gz')
  assert.equal(over.code, 6)
  assert.match(over.out, /expires {4}2024-06-01T00:00:00\.000Z, in the past/)
  const theirs = await device.run('ota', 'verify', 'theirs.tar.gz')
  assert.equal(theirs.code, 0, theirs.err)
  assert.match(theirs.out, /devices {4}another, third\nrevoked {4}[0-9a-f]{16} \(on this device\)/)
  assert.match((await device.run('ota', 'verify', 'turn.tar.gz', '-p', old)).out, /revokes {4}[0-9a-f]{16}\n/)
  assert.match((await device.run('ota', 'verify', 'late.tar.gz')).err, /revoked/)

  writeFileSync(device.path('runtime/ota/releases.json'), '{"app": ')
  await refused('ours', /releases\.json.*remove the file/)
  rmSync(device.path('runtime/ota/releases.json'))
  const ours = await install('ours')
  assert.equal(ours.code, 0, ours.err)
  assert.equal(device.read('effects'), 'in\n'.repeat(3))

  for (const [words, why] of [
    [['--release', 'soon'], /--release must be a number/],
    [['--release', '1.5'], /"release" must be a whole number/],
    [['--expires', 'tomorrow'], /"expires" must be a time with its zone/],
    [['--revoke', 'me'], /"revokes" must hold public keys/],
    [['--device', ''], /"devices" must hold device ids/],
  ] as const) {
    const { code, err } = await device.run('ota', 'pack', 'p', '-o', 'x.tar.gz', ...words)
    assert.ok(code === 1 || code === 2, err)
    assert.match(err, why)
    assert.ok(!existsSync(device.path('x.tar.gz')))
  }
})

test('a device that requires signatures refuses, and one that is unhealthy after an update undoes it', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  await offerPackages(t, cloud, [
    {
      name: 'sick.zip',
      manifest: {
        install: 'echo in',
        error_action: 'echo undone',
        health_check: { timeout: 30, command: 'echo sick; exit 9' },
      },
    },
    { name: 'slow.zip', manifest: { install: 'echo waits; sleep 60', script_timeout: 1, error_action: 'echo undone' } },
    { name: 'long.zip', manifest: { install: 'touch ../../runs; while [ ! -e ../../go ]; do sleep 0.1; done' } },
  ])
  const device = makeDevice(t, cloud)
  const manager = await device.start()
  const key = device.thingKey
  await cloud.waitForThing(key)
  const update = (name: string, more: object = {}) => cloud.exec(key, 'software_update', { package: name }, more)
  const free = () => eventually('the end', () => !existsSync(device.path('runtime/.otalock')))

  assert.match(
    (await update('sick.zip')).errorMessages?.[0] ?? '',
    /^health check failed: exit code 9; last lines:\n.*sick/s,
  )
  await free()
  assert.match(device.read('runtime/otapackage/ota_install.log'), /in\nsick\nundone\n$/)
  const slow = await update('slow.zip')
  assert.deepEqual(slow.errorCodes, [16])
  assert.match(
    slow.errorMessages?.[0] ?? '',
    /^install failed: it did not end within 1 s, and was ended; last lines:\n.*waits$/s,
  )
  await free()

  // One at a time, also between the cloud and the command line; an orderly end leaves the script alone.
  const { id } = await cloud.ask('method.exec', {
    thingKey: key,
    method: 'software_update',
    params: { package: 'long.zip' },
    ackTimeout: 0,
    ttl: -1,
  })
  await eventually('the script', () => existsSync(device.path('runs')))
  assert.match((await update('sick.zip')).errorMessages?.[0] ?? '', /already in progress \(long\.zip\)/)
  const path = writePackage(device.folder, 'own.zip', { install: 'true' })
  const own = await device.run('ota', 'install', path)
  assert.match(own.err, /already in progress/)
  const status = await device.run('status')
  assert.match(status.out, /update {5}long\.zip, in install/)
  manager.kill('SIGTERM')
  await manager.ended
  device.write('go', '')
  await device.start()
  const mail = await eventually('the answer', async () => {
    const found = await cloud.ask('mailbox.find', { id })
    return found.status === 'completed' ? found : undefined
  })
  assert.equal(mail.status, 'completed')
})
