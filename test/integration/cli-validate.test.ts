// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { eventually } from '../helpers/eventually.ts'
import { type LocalCloud, startCloud } from '../helpers/local-cloud.ts'
import { deviceToken, ManagedDevice, makeDevice } from '../helpers/managed-device.ts'
import { tempDir } from '../helpers/temp-dir.ts'

interface Row {
  readonly feature: string
  readonly outcome: 'passed' | 'failed' | 'skipped'
  readonly text: string
  readonly code?: string
}

const operatorPassword = 'Operator-Pass-4711'

/** A machine of an operator, with nothing on it but his password. */
async function scene(t: TestContext) {
  const operator = { user: 'alice', password: operatorPassword }
  const cloud = await startCloud(t, { token: deviceToken, operator })
  const machine = new ManagedDevice(tempDir(t), 'nobody')
  t.after(() => machine.stop())
  const passwordFile = machine.write('password', `${operatorPassword}\n`)
  const place = ['--cloud', 'localhost', '--port', String(cloud.mqtts), '--transport', 'mqtts']
  const https = ['--api-port', String(cloud.https), '--ca-bundle', cloud.ca]
  const rights = ['--token', deviceToken, '--username', 'alice', '--password-file', passwordFile]
  const words = ['validate', ...place, ...https, ...rights]
  return { cloud, machine, words }
}

function rowsOf(out: string): { ok: boolean; thingKey: string; features: readonly Row[] } {
  return JSON.parse(out)
}

const named = (rows: readonly Row[], outcome: Row['outcome']) =>
  rows.filter(row => row.outcome === outcome).map(({ feature }) => feature)

/** The words of {@link scene} but for the command and the token: an operator needs none to look at a device manager. */
function rightsIn(words: readonly string[]): readonly string[] {
  return words.filter((word, at) => at > 0 && word !== '--token' && words[at - 1] !== '--token')
}

/** Nothing of a run is left: no thing, no file, no folder. */
async function assertNothingLeft(cloud: LocalCloud, thingKey: string): Promise<void> {
  assert.equal((await cloud.api('thing.find', { key: thingKey })).success, false, 'the thing is gone')
  assert.deepEqual((await cloud.ask('file.list', { global: true })).result, [])
  const folders = readdirSync(tmpdir()).filter(name => {
    try {
      const deviceId = readFileSync(join(tmpdir(), name, 'device_id'), 'utf8').trim()
      return /^device-cloud-\w{6}$/.test(name) && thingKey === `${deviceId}-validate`
    } catch {
      // None of a run, or of one that others make here, and gone by now.
      return false
    }
  })
  assert.deepEqual(folders, [])
}

test('validate proves every feature, also of a cloud that hands out calls again, and leaves nothing behind', async t => {
  const { cloud, machine, words } = await scene(t)
  await cloud.fault('redeliverMail', { when: 'check' })
  await cloud.fault('duplicateNotify', {})
  const { code, out, err } = await machine.run(...words, '--json')
  const { ok, thingKey, features } = rowsOf(out)
  assert.deepEqual([code, ok, err], [0, true, ''], out)
  assert.deepEqual(
    named(features, 'passed'),
    features.map(({ feature }) => feature),
  )
  assert.ok(features.length >= 31, out)
  assert.ok(
    (await cloud.transcript({ thingKey, contains: 'validate_telemetry' })).length > 0,
    'it was said to this cloud',
  )
  await assertNothingLeft(cloud, thingKey)
})

test('validate fails exactly where the cloud is wrong', async t => {
  const { cloud, machine, words } = await scene(t)
  await cloud.fault('refuseCommand', { command: 'property.batch', key: 'validate_telemetry' })
  await cloud.fault('refuseCommand', { command: 'property.publish', key: 'validate_telemetry' })
  await cloud.fault('refuseCommand', { command: 'alarm.*', key: 'validate_alarm' })
  await cloud.fault('refuseCommand', { command: 'log.publish', key: 'validate warning' })
  await cloud.fault('refuseCommand', { command: 'file.put', key: 'validate-empty.bin' })
  await cloud.fault('refuseCommand', { command: 'attribute.*', key: 'validate_attribute' })
  const { code, out } = await machine.run(...words, '--json', '--timeout', '5')
  const { ok, thingKey, features } = rowsOf(out)
  assert.deepEqual([code, ok], [1, false], out)
  assert.deepEqual(named(features, 'failed'), ['telemetry', 'attribute', 'alarm', 'events', 'empty file up'])
  assert.deepEqual(named(features, 'skipped'), ['telemetry current', 'attribute current', 'empty file down'])
  assert.equal(features.find(({ feature }) => feature === 'alarm')?.code, 'REFUSED_BY_CLOUD')
  await assertNothingLeft(cloud, thingKey)
})

test('validate sees files that are not whole, and calls that do not come', async t => {
  const { cloud, machine, words } = await scene(t)
  await cloud.fault('corruptDownload', {})
  await cloud.fault('dropNotify', {})
  const { code, out, err } = await machine.run(...words, '--timeout', '5')
  assert.equal(code, 1, err)
  for (const feature of ['action', 'file up', 'global file up'])
    assert.match(out, new RegExp(`^FAIL  ${feature} `, 'm'))
  assert.match(out, /^ok {4}empty file up /m)
  assert.match(out, /^- {5}action once .*"action" did not pass/m)
  assert.match(out, /^\d+ passed, 3 failed, \d+ skipped$/m)
})

test('validate distinguishes a refused login from a cloud that cannot be reached, and asks nothing without a terminal', async t => {
  const { cloud, machine, words } = await scene(t)
  const swap = (flag: string, value: string) => words.map((word, at) => (words[at - 1] === flag ? value : word))
  const run = async (line: readonly string[]) => {
    const { code, out, err } = await machine.run(...line)
    for (const secret of [operatorPassword, 'wrong-password', deviceToken]) assert.ok(!`${out}${err}`.includes(secret))
    return { code, out, err }
  }
  machine.write('wrong', 'wrong-password')
  const operator = await run(swap('--password-file', machine.path('wrong')))
  assert.equal(operator.code, 5)
  assert.match(operator.out, /FAIL {2}operator login .*\n.*several wrong passwords lock/)
  const said = await cloud.transcript({ command: 'api.authenticate', direction: 'in', contains: 'alice' })
  assert.equal(said.length, 2, 'one try of validate, beside that of the test itself')
  const device = await run(swap('--token', 'wrong-token'))
  assert.equal(device.code, 5)
  assert.match(device.out, /ok {4}operator login[\s\S]*FAIL {2}device login .*refused the MQTT login/)
  const api = await run(swap('--api-port', '1'))
  assert.deepEqual([api.code, /--api-host, --api-port/.test(api.out)], [4, true])
  const mqtt = await run(swap('--port', '1'))
  assert.deepEqual([mqtt.code, /FAIL {2}device login /.test(mqtt.out)], [4, true])
  const nobody = await run(words.slice(0, -4))
  assert.deepEqual([nobody.code, /--username, or DEVICE_CLOUD_OPERATOR_USERNAME/.test(nobody.err)], [2, true])
})

test('Ctrl-C ends validate, and what it made goes all the same', async t => {
  const { cloud, machine, words } = await scene(t)
  await cloud.fault('swallowRequest', { command: 'alarm.*' })
  const mark = await cloud.mark()
  const running = machine.begin(...words, '--json')
  const { thingKey } = await cloud.heard({ since: mark, command: 'alarm.*', direction: 'in' })
  running.kill('SIGINT')
  assert.deepEqual(await running.ended, { code: 1, signal: null })
  const { ok, features } = rowsOf(running.out)
  assert.equal(ok, false)
  assert.match(features.find(({ feature }) => feature === 'alarm')?.text ?? '', /interrupted/)
  assert.equal(features.find(({ feature }) => feature === 'file up')?.text, 'interrupted')
  assert.equal(features.at(-1)?.outcome, 'passed')
  await eventually('nothing left', () => assertNothingLeft(cloud, thingKey ?? '').then(() => true))
})

test('validate proves a running device manager, action by action, and leaves nothing on the device', async t => {
  const { cloud, machine, words } = await scene(t)
  const device = makeDevice(t, cloud)
  await device.start()
  await cloud.waitForThing(device.thingKey)
  const before = device.files()
  const line = ['validate', '--manager', device.thingKey, '--json', '--timeout', '60', ...rightsIn(words)]
  const { code, out, err } = await machine.run(...line)
  const { ok, thingKey, features } = rowsOf(out)
  assert.deepEqual([code, ok, err, thingKey], [0, true, '', device.thingKey], out)
  const passed = ['operator login', 'connected', 'attributes', 'ping', 'get_remote_access_info', 'unknown action']
  const files = ['file_download', 'file_upload']
  assert.deepEqual(named(features, 'passed'), [...passed, 'remote-access', 'software_update', ...files, 'clean-up'])
  const uncalled = ['reset_agent', 'quit', 'reboot_device', 'shutdown_device', 'decommission_device']
  assert.deepEqual(named(features, 'skipped'), ['telemetry', ...uncalled])
  assert.deepEqual((await cloud.ask('file.list', { thingKey })).result, [])
  assert.deepEqual(device.files(), before)

  // On the machine of the device itself, with all that may be called.
  const here = await device.run(...line, '--restart')
  const rows = rowsOf(here.out).features
  assert.equal(here.code, 0, here.out)
  assert.deepEqual(named(rows, 'skipped'), uncalled.slice(1))
  assert.match(rows.find(({ feature }) => feature === 'telemetry')?.text ?? '', /as published through the local socket/)
  await cloud.waitForThing(device.thingKey)
})

test('validate of a device manager fails exactly where it does not do what it should', async t => {
  const { cloud, machine, words } = await scene(t)
  const device = makeDevice(t, cloud, { manager: { actions_enabled: { remote_login: false }, health_interval: 3600 } })
  const line = ['validate', '--manager', device.thingKey, '--json', '--timeout', '20', ...rightsIn(words)]
  const nobody = await machine.run(...line)
  assert.deepEqual([nobody.code, named(rowsOf(nobody.out).features, 'failed')], [1, ['connected']])

  await device.start()
  await cloud.waitForThing(device.thingKey)
  await cloud.fault('corruptDownload', {})
  const { code, out } = await machine.run(...line)
  const { features } = rowsOf(out)
  assert.deepEqual([code, named(features, 'failed')], [1, ['file_download']], out)
  const textOf = (name: string) => features.find(({ feature }) => feature === name)?.text ?? ''
  assert.match(textOf('remote-access'), /^switched off on this device: /)
  assert.match(textOf('telemetry'), /^health_load_1min is [\d.]+$/)
  assert.deepEqual((await cloud.ask('file.list', { thingKey: device.thingKey })).result, [])
})

test('validate of a device manager that starts closed, as "config generate" sets it up, proves what is open', async t => {
  const { cloud, machine, words } = await scene(t)
  const device = makeDevice(t, cloud, { connection: { file_transfer: { allow: [] } } })
  await device.start()
  await cloud.waitForThing(device.thingKey)
  const line = ['validate', '--manager', device.thingKey, '--json', '--timeout', '60', ...rightsIn(words)]
  const { code, out } = await machine.run(...line)
  const { ok, features } = rowsOf(out)
  assert.deepEqual([code, ok, named(features, 'failed')], [0, true, []], out)
  const textOf = (name: string) => features.find(({ feature }) => feature === name)?.text ?? ''
  assert.match(textOf('file_download'), /^300001 bytes, to validate-\S+ in its download folder$/)
  assert.match(textOf('file_upload'), /^file_transfer\.allow permits no download into the upload folder/)
  assert.match(textOf('clean-up'), /on the device, validate-\S+ in its download folder/)
})

test('a refusal of the whole request is reported as a refusal, whatever its HTTP status', async t => {
  const { cloud, words } = await scene(t)
  const machine = new ManagedDevice(tempDir(t), 'nobody')
  t.after(() => machine.stop())
  const refusal = { errorCodes: [-90000], errorMessages: ['Authentication is required'] }
  for (const status of [200, 401]) {
    await cloud.fault('refuseApi', { command: 'api.authenticate', status, times: 1, ...refusal })
    const login = await machine.run(...words, '--json')
    const [first] = rowsOf(login.out).features
    assert.deepEqual([login.code, first?.feature, first?.code], [5, 'operator login', 'OPERATOR_REFUSED'], login.out)
    assert.match(first?.text ?? '', /Authentication is required \(-90000\)/)
  }
  await cloud.fault('refuseApi', { command: 'location.current', ...refusal })
  const { out } = await machine.run(...words, '--json', '--timeout', '15')
  const location = rowsOf(out).features.find(({ feature }) => feature === 'location')
  assert.equal(location?.code, 'REFUSED_BY_CLOUD', out)
  assert.match(location?.text ?? '', /location\.current: Authentication is required \(-90000\)/)
})

test("validate accepts the environment variables of the Python agent's scripts", async t => {
  const { cloud, machine } = await scene(t)
  const environment = {
    HDCADDRESS: 'localhost',
    HDCUSERNAME: 'alice',
    HDCPASSWORD: operatorPassword,
    HDCAPPTOKEN: deviceToken,
  }
  const https = ['--port', String(cloud.mqtts), '--transport', 'mqtts', '--api-port', String(cloud.https)]
  const line = ['validate', ...https, '--ca-bundle', cloud.ca, '--json', '--timeout', '60']
  const { code, out, err } = await machine.runWith(environment, ...line)
  assert.deepEqual([code, err], [0, ''], out)
  const own = { ...environment, DEVICE_CLOUD_OPERATOR_PASSWORD: 'wrong-password' }
  const refused = await machine.runWith(own, ...line)
  assert.equal(refused.code, 5, 'our own names come first')
})
