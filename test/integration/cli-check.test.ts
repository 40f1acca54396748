// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { type LocalCloud, startCloud } from '../helpers/local-cloud.ts'
import { deviceToken, ManagedDevice, makeDevice } from '../helpers/managed-device.ts'
import { smallDisk } from '../helpers/small-disk.ts'
import { makeAuthority } from '../helpers/test-certificates.ts'

interface Check {
  readonly name: string
  readonly outcome: string
  readonly text: string
  readonly code?: string
  readonly remedy?: string
}

test('check goes step by step to the cloud, and says which check fails and what to do', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud)
  const connection = JSON.parse(device.read('iot-connect.cfg'))
  const check = async (change: object) => {
    device.write('iot-connect.cfg', { ...connection, ...change })
    const { code, out, err } = await device.run('check', '-i', 'device_manager_py', '--json')
    assert.ok(!`${out}${err}`.includes(deviceToken))
    const checks: readonly Check[] = JSON.parse(out).rungs
    const failed = checks.find(({ outcome }) => outcome === 'failed')
    const outcomeOf = (name: string) => checks.find(check => check.name === name)?.outcome
    return { code, failed, outcomeOf }
  }
  const withCloud = (members: object) => ({ cloud: { ...connection.cloud, ...members } })

  const fine = await check({})
  assert.deepEqual([fine.code, fine.failed], [0, undefined])
  const names = [
    'system',
    'identity',
    'name',
    'TCP',
    'TLS',
    'clock',
    'certificate',
    'login',
    'round trip',
    'file service',
    'disk',
  ]
  for (const name of names) assert.equal(fine.outcomeOf(name), 'passed', name)
  assert.equal(fine.outcomeOf('proxy'), 'skipped')

  const token = await check(withCloud({ token: 'not-the-token' }))
  assert.deepEqual([token.code, token.failed?.name, token.failed?.code], [5, 'login', 'LOGIN_REFUSED'])
  assert.match(token.failed?.remedy ?? '', /cloud\.token/)
  assert.equal(token.outcomeOf('round trip'), 'skipped')
  assert.equal(token.outcomeOf('file service'), 'passed')

  const foreignCa = device.path('foreign-ca.pem')
  writeFileSync(foreignCa, makeAuthority('foreign CA').certificate)
  const certificate = await check({ ca_bundle_file: foreignCa })
  assert.deepEqual([certificate.code, certificate.failed?.name], [4, 'certificate'])
  assert.equal(certificate.failed?.code, 'CERTIFICATE_REFUSED')
  assert.equal(certificate.outcomeOf('TLS'), 'passed')
  assert.equal(certificate.outcomeOf('login'), 'skipped', 'the token is not sent to whom nobody knows')

  const noTls = await check(withCloud({ port: cloud.mqtt }))
  assert.deepEqual([noTls.code, noTls.failed?.name], [4, 'TLS'])

  const noName = await check(withCloud({ host: 'no-such-host.invalid' }))
  assert.deepEqual([noName.code, noName.failed?.name, noName.failed?.code], [4, 'name', 'NAME_NOT_RESOLVED'])

  await cloud.stop()
  const nobody = await check({})
  assert.deepEqual([nobody.code, nobody.failed?.name, nobody.failed?.code], [4, 'TCP', 'TCP_FAILED'])
})

/** One run of "check" on a device, with its checks by name. */
async function checkDevice(device: ManagedDevice, ...words: readonly string[]) {
  const { code, out, err } = await device.run('check', '--json', ...words)
  assert.equal(err, '')
  const checks: readonly Check[] = JSON.parse(out).rungs
  return { code, check: (name: string) => checks.find(check => check.name === name) }
}

async function thingsOf(cloud: LocalCloud): Promise<readonly string[]> {
  const { result }: { result: readonly { key: string }[] } = await cloud.ask('thing.list', {})
  return result.map(({ key }) => key)
}

test('a new device proves its token: the device id is made and kept, and the device manager goes on with it', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud)
  rmSync(device.path('device_id'))
  const connection = JSON.parse(device.read('iot-connect.cfg'))
  device.write('iot-connect.cfg', { ...connection, cloud: { ...connection.cloud, token: 'not-the-token' } })
  const wrong = await checkDevice(device)
  assert.deepEqual([wrong.code, wrong.check('login')?.code], [5, 'LOGIN_REFUSED'])
  const made = device.read('device_id').trim()
  assert.match(wrong.check('identity')?.text ?? '', new RegExp(`made the device id ${made}`))
  assert.deepEqual(await thingsOf(cloud), [])
  device.write('iot-connect.cfg', connection)
  const right = await checkDevice(device)
  assert.equal(right.code, 0)
  assert.equal(right.check('login')?.text, `accepted for the thing key ${made}-device_manager`)
  assert.equal(right.check('identity')?.text, `the device id is ${made}`)
  const manager = device.begin('manager')
  await manager.says(/device manager runs/)
  await cloud.waitForThing(`${made}-device_manager`)
  assert.deepEqual(await thingsOf(cloud), [`${made}-device_manager`])
})

test('where no device id can be kept, the check fails as the device manager would, and proves the token on request', async t => {
  const disk = smallDisk(t, 'read-only')
  if (disk === undefined) return
  const cloud = await startCloud(t, { token: deviceToken })
  const connection = JSON.parse(makeDevice(t, cloud).read('iot-connect.cfg'))
  const device = new ManagedDevice(disk.path, 'nobody')
  t.after(() => device.stop())
  device.write('iot-connect.cfg', connection)
  disk.break()
  const plain = await checkDevice(device)
  assert.deepEqual([plain.code, plain.check('identity')?.code], [3, 'CONFIG_INVALID'])
  assert.match(
    plain.check('identity')?.text ?? '',
    new RegExp(`none can be made in the folder ${disk.path}: .*read-only`),
  )
  assert.match(plain.check('identity')?.remedy ?? '', /"check --register" tries the token all the same/)
  assert.deepEqual([plain.check('certificate')?.outcome, plain.check('login')?.outcome], ['passed', 'skipped'])
  assert.deepEqual([plain.check('disk')?.code, plain.check('round trip')?.outcome], ['FILE_ACCESS', 'skipped'])
  assert.deepEqual(await thingsOf(cloud), [], 'nobody logs in with an id that is forgotten')

  const registered = await checkDevice(device, '--register')
  assert.deepEqual([registered.code, registered.check('login')?.outcome], [3, 'passed'])
  const [thing, ...others] = await thingsOf(cloud)
  assert.deepEqual(others, [])
  assert.match(registered.check('identity')?.remedy ?? '', new RegExp(`registers the thing ${thing} in the cloud`))
  await checkDevice(device, '--register')
  assert.deepEqual(await thingsOf(cloud), [thing], 'the second time it is the same device')

  disk.heal()
  device.write('iot-connect.cfg', { ...connection, cloud: { ...connection.cloud, token: 'not-the-token' } })
  disk.break()
  const wrong = await checkDevice(device, '--register')
  assert.deepEqual([wrong.code, wrong.check('login')?.code], [3, 'LOGIN_REFUSED'])
})

test('a device_id that is no device id is a check that fails, and the others are tried', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud)
  device.write('device_id', 'two lines\nof text')
  const { code, check } = await checkDevice(device)
  assert.deepEqual([code, check('identity')?.code], [3, 'CONFIG_INVALID'])
  assert.match(check('identity')?.remedy ?? '', /remove the file to get a new id/)
  assert.deepEqual([check('certificate')?.outcome, check('login')?.outcome], ['passed', 'skipped'])
})
