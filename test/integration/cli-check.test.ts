import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { type LocalCloud, startCloud } from '../helpers/local-cloud.ts'
import { deviceToken, ManagedDevice, makeDevice } from '../helpers/managed-device.ts'
import { smallDisk } from '../helpers/small-disk.ts'
import { makeAuthority } from '../helpers/test-certificates.ts'

interface Rung {
  readonly name: string
  readonly outcome: string
  readonly text: string
  readonly code?: string
  readonly remedy?: string
}

test('check climbs to the cloud, and says at which rung it stops and what to do', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud)
  const connection = JSON.parse(device.read('iot-connect.cfg'))
  const check = async (change: object) => {
    device.write('iot-connect.cfg', { ...connection, ...change })
    const { code, out, err } = await device.run('check', '-i', 'device_manager_py', '--json')
    assert.ok(!`${out}${err}`.includes(deviceToken))
    const rungs: readonly Rung[] = JSON.parse(out).rungs
    const failed = rungs.find(({ outcome }) => outcome === 'failed')
    const outcomeOf = (name: string) => rungs.find(rung => rung.name === name)?.outcome
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

/** One check of a device, with the rungs by name. */
async function climb(device: ManagedDevice, ...words: readonly string[]) {
  const { code, out, err } = await device.run('check', '--json', ...words)
  assert.equal(err, '')
  const rungs: readonly Rung[] = JSON.parse(out).rungs
  return { code, rung: (name: string) => rungs.find(rung => rung.name === name) }
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
  const wrong = await climb(device)
  assert.deepEqual([wrong.code, wrong.rung('login')?.code], [5, 'LOGIN_REFUSED'])
  const made = device.read('device_id').trim()
  assert.match(wrong.rung('identity')?.text ?? '', new RegExp(`made the device id ${made}`))
  assert.deepEqual(await thingsOf(cloud), [])
  device.write('iot-connect.cfg', connection)
  const right = await climb(device)
  assert.equal(right.code, 0)
  assert.equal(right.rung('login')?.text, `accepted for the thing key ${made}-device_manager`)
  assert.equal(right.rung('identity')?.text, `the device id is ${made}`)
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
  const plain = await climb(device)
  assert.deepEqual([plain.code, plain.rung('identity')?.code], [3, 'CONFIG_INVALID'])
  assert.match(
    plain.rung('identity')?.text ?? '',
    new RegExp(`none can be made in the folder ${disk.path}: .*read-only`),
  )
  assert.match(plain.rung('identity')?.remedy ?? '', /"check --register" tries the token all the same/)
  assert.deepEqual([plain.rung('certificate')?.outcome, plain.rung('login')?.outcome], ['passed', 'skipped'])
  assert.deepEqual([plain.rung('disk')?.code, plain.rung('round trip')?.outcome], ['FILE_ACCESS', 'skipped'])
  assert.deepEqual(await thingsOf(cloud), [], 'nobody logs in with an id that is forgotten')

  const registered = await climb(device, '--register')
  assert.deepEqual([registered.code, registered.rung('login')?.outcome], [3, 'passed'])
  const [thing, ...others] = await thingsOf(cloud)
  assert.deepEqual(others, [])
  assert.match(registered.rung('identity')?.remedy ?? '', new RegExp(`registers the thing ${thing} in the cloud`))
  await climb(device, '--register')
  assert.deepEqual(await thingsOf(cloud), [thing], 'the second time it is the same device')

  disk.heal()
  device.write('iot-connect.cfg', { ...connection, cloud: { ...connection.cloud, token: 'not-the-token' } })
  disk.break()
  const wrong = await climb(device, '--register')
  assert.deepEqual([wrong.code, wrong.rung('login')?.code], [3, 'LOGIN_REFUSED'])
})

test('a device_id that is no device id is a rung that fails, and the others are tried', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud)
  device.write('device_id', 'two lines\nof text')
  const { code, rung } = await climb(device)
  assert.deepEqual([code, rung('identity')?.code], [3, 'CONFIG_INVALID'])
  assert.match(rung('identity')?.remedy ?? '', /remove the file to get a new id/)
  assert.deepEqual([rung('certificate')?.outcome, rung('login')?.outcome], ['passed', 'skipped'])
})
