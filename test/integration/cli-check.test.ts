import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { startCloud } from '../helpers/local-cloud.ts'
import { deviceToken, makeDevice } from '../helpers/managed-device.ts'
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
  const names = ['system', 'name', 'TCP', 'TLS', 'clock', 'certificate', 'login', 'round trip', 'file service', 'disk']
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

  rmSync(device.path('device_id'))
  const fresh = await check({})
  assert.deepEqual([fresh.code, fresh.outcomeOf('login')], [0, 'skipped'])
  assert.throws(() => device.read('device_id'), 'a check makes no identity')

  await cloud.stop()
  const nobody = await check({})
  assert.deepEqual([nobody.code, nobody.failed?.name, nobody.failed?.code], [4, 'TCP', 'TCP_FAILED'])
})
