// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { existsSync, readdirSync, statSync, symlinkSync } from 'node:fs'
import { test } from 'node:test'
import { version } from '../../src/base/version.ts'
import { loadClientConfig } from '../../src/config/load.ts'
import { loadManagerConfig } from '../../src/config/manager-config.ts'
import { eventually } from '../helpers/eventually.ts'
import { startCloud } from '../helpers/local-cloud.ts'
import { deviceToken, makeDevice } from '../helpers/managed-device.ts'

test('a device of the Python agent is taken over: attributes, name, and every action as before [TR50 4.5]', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud)
  const manager = await device.start()
  const key = device.thingKey

  await t.test(
    'the facts of the machine and of attributes.cfg are published, and the thing gets its name',
    async () => {
      const thing = await eventually('remote_access_support', async () => {
        const { params } = await cloud.api('thing.find', { key })
        return params?.attrs?.remote_access_support !== undefined && params.name === 'Pump 7' ? params : undefined
      })
      const texts = Object.fromEntries(
        Object.entries<{ value: string }>(thing.attrs).map(([name, { value }]) => [name, value]),
      )
      for (const name of ['os_name', 'os_version', 'architecture', 'hostname', 'kernel', 'mac_address'])
        assert.ok(texts[name], name)
      assert.equal(texts.hdc_version, version)
      assert.equal(texts.relay_version, '2.0.0')
      assert.equal(texts.site, 'Hall 3')
      assert.equal(
        texts.remote_access_support,
        `[{"name": "HTTPS", "port": "${cloud.https}", "session_timeout": "60"}]`,
      )
    },
  )

  await t.test('ping', async () => {
    const { success, params } = await cloud.exec(key, 'ping')
    assert.ok(success)
    assert.equal(params.response, 'acknowledged')
    assert.match(params.time_stamp, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/)
    const ack = await cloud.heard({ command: 'mailbox.ack', thingKey: key })
    assert.match(JSON.stringify(ack.payload), /"errorMessage":""/)
  })

  await t.test('get_remote_access_info', async () => {
    const { params } = await cloud.exec(key, 'get_remote_access_info')
    assert.equal(params.relay_version, '2.0.0')
    assert.match(params.remote_access_attribute, /^\[\{"name": "HTTPS"/)
  })

  await t.test('actions that are switched off answer 18, an unknown one 12', async () => {
    for (const name of ['reboot_device', 'shutdown_device']) {
      const { success, errorCodes } = await cloud.exec(key, name, {})
      assert.ok(!success)
      assert.deepEqual(errorCodes, [18], name)
    }
    assert.deepEqual((await cloud.exec(key, 'no_such_action')).errorCodes, [12])
  })

  await t.test('file_upload of one file leaves its neighbours alone [M3]', async () => {
    device.write('runtime/upload/a.log', 'content of a')
    device.write('runtime/upload/b.log', 'content of b')
    const { success } = await cloud.exec(key, 'file_upload', { file_name: 'a.log' })
    assert.ok(success)
    assert.deepEqual(readdirSync(device.path('runtime/upload')), ['b.log'])
  })

  await t.test('file_download brings it back, into a folder that is made on the way', async () => {
    const { success } = await cloud.exec(key, 'file_download', { file_name: 'a.log', file_path: 'deep/er/a.txt' })
    assert.ok(success)
    assert.equal(device.read('runtime/download/deep/er/a.txt'), 'content of a')
  })

  await t.test('file_upload of nothing sends the upload folder as a tar and removes what was in it', async () => {
    const { success, errorMessages } = await cloud.exec(key, 'file_upload', {})
    assert.ok(success, errorMessages?.[0])
    assert.deepEqual(readdirSync(device.path('runtime/upload')), [])
    const name = `${device.path('runtime/upload').slice(1).replaceAll('/', '-')}.tar`
    assert.ok((await cloud.exec(key, 'file_download', { file_name: name, file_path: 'all.tar' })).success)
    assert.ok(statSync(device.path('runtime/download/all.tar')).size >= 1024)
  })

  await t.test('an absolute path goes where it went with the Python agent', async () => {
    const { success } = await cloud.exec(key, 'file_download', { file_name: 'a.log', file_path: device.path('abs/a') })
    assert.ok(success)
    assert.equal(device.read('abs/a'), 'content of a')
  })

  await t.test('hostile and wrong parameters are refused, and the next action still runs', async () => {
    symlinkSync(device.folder, device.path('runtime/download/out'))
    const rows = [
      [{ file_name: 'a.log', file_path: '../evil' }, 10, /\.\./],
      [{ file_name: 'a.log', file_path: 'out/evil' }, 10, /link/],
      [{ file_name: 'a.log', file_path: '~/evil' }, 2, /'~'/],
      [{ file_name: 7 }, 2, /file_name must be a string/],
      [{ file_name: 'a.log', use_global_store: 'yes' }, 2, /use_global_store must be true or false/],
      [{}, 2, /file_name or file_path/],
      [{ file_name: 'not-there' }, 12, /not-there/],
    ] as const
    for (const [params, code, message] of rows) {
      const { errorCodes, errorMessages } = await cloud.exec(key, 'file_download', params)
      assert.deepEqual(errorCodes, [code], JSON.stringify(params))
      assert.match(errorMessages?.[0] ?? '', message)
    }
    assert.ok(!existsSync(device.path('evil')))
    assert.ok((await cloud.exec(key, 'ping')).success)
  })

  await t.test('quit answers, and ends the manager with exit code 0', async () => {
    assert.ok((await cloud.exec(key, 'quit')).success)
    assert.deepEqual(await manager.ended, { code: 0, signal: null })
    assert.ok(!existsSync(device.path('runtime/device-cloud.sock')))
  })

  await t.test('the token was never said', () => {
    assert.ok(!`${manager.out}${manager.err}`.includes(deviceToken))
  })
})

test('reset_agent restarts with the same options, and the new process answers', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud)
  // The session of the old process drops before the answer: the message comes again, and must not restart the new one.
  await cloud.fault('redeliverMail', { when: 'session' })
  const manager = await device.start('--log-to-file')
  await cloud.waitForThing(device.thingKey)
  const pidOf = async () => {
    const { out } = await device.run('status', '--json')
    return out === '' ? undefined : JSON.parse(out).pid
  }
  const before = await pidOf()
  const { success } = await cloud.exec(device.thingKey, 'reset_agent', {}, { ackTimeout: 30 })
  assert.ok(success)
  await eventually('message_ids removed', () => !existsSync(device.path('runtime/message_ids')))
  const after = await eventually('the new process', pidOf)
  t.after(() => {
    try {
      process.kill(after, 'SIGKILL')
    } catch {
      // It ended as it should.
    }
  })
  const log = device.read('device_manager.log')
  assert.equal(log.match(/device manager runs/g)?.length, 2, 'it started twice, and not a third time')
  // Where Node can it is the same process, so that a pid file stays right.
  if ('execve' in process) assert.equal(after, before)
  else await manager.ended
  assert.ok((await cloud.exec(device.thingKey, 'ping')).success)
  process.kill(after, 'SIGTERM')
  await eventually('the end of the new process', () => !existsSync(device.path('runtime/device-cloud.sock')))
})

test('decommission_device answers, forgets token, identity and files, and ends [M6]', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud)
  device.write('other-name.cfg', device.read('iot-connect.cfg'))
  device.write('runtime/download/deep/file', 'x')
  device.write('runtime/message_ids', 'nonsense\n')
  device.write('runtime/of-somebody-else', 'x')
  const manager = await device.start('-f', 'other-name.cfg', '-l')
  await cloud.waitForThing(device.thingKey)
  assert.ok((await cloud.exec(device.thingKey, 'decommission_device')).success)
  assert.deepEqual(await manager.ended, { code: 0, signal: null })
  assert.deepEqual(readdirSync(device.folder).sort(), ['attributes.cfg', 'iot-connect.cfg', 'runtime'])
  assert.deepEqual(readdirSync(device.runtime), ['of-somebody-else'])
})

test('a device whose token is in the environment keeps its policies when it is decommissioned', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const relay = { allow: ['plc.test:502'], relay_hosts: ['relay.test'] }
  const device = makeDevice(t, cloud, {
    connection: { 'ota.require_signature': true, file_transfer: { allow: ['/data'] }, remote_access: relay },
    manager: { actions_enabled: { reboot_device: false, 'my-action': false } },
  })
  process.env.DEVICE_CLOUD_CLOUD_TOKEN = deviceToken
  t.after(() => delete process.env.DEVICE_CLOUD_CLOUD_TOKEN)
  device.write('runtime/ota/releases.json', { app: 7 })
  const manager = await device.start('-l')
  await cloud.waitForThing(device.thingKey)
  assert.ok((await cloud.exec(device.thingKey, 'decommission_device')).success)
  assert.deepEqual(await manager.ended, { code: 0, signal: null })
  assert.deepEqual(readdirSync(device.folder).sort(), ['attributes.cfg', 'iot-connect.cfg', 'iot.cfg', 'runtime'])
  assert.ok(!device.read('iot-connect.cfg').includes(deviceToken))
  assert.equal(device.read('runtime/ota/releases.json').includes('7'), true)
  const { settings, closures } = await loadClientConfig({
    appId: 'iot',
    configDir: device.folder,
    environment: {},
    offline: true,
  })
  assert.deepEqual(closures, [])
  assert.equal(settings.ota.requireSignature, true)
  assert.deepEqual(settings.fileTransfer.allow, ['/data'])
  assert.deepEqual([settings.remoteAccess.allow, settings.remoteAccess.relayHosts], [['plc.test:502'], ['relay.test']])
  const own = await loadManagerConfig({ configDir: device.folder, environment: {} })
  assert.deepEqual(own.closures, [])
  assert.equal(own.settings.actionsEnabled.reboot_device, false)
  assert.equal(own.settings.actionsEnabled['my-action'], false)
  assert.equal(own.settings.actionsEnabled.file_transfers, true)
})
