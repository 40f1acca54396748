// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../src/base/clock.ts'
import { Manager } from '../../src/manager/manager.ts'
import { eventually } from '../helpers/eventually.ts'
import { startCloud } from '../helpers/local-cloud.ts'
import { deviceToken, makeDevice } from '../helpers/managed-device.ts'
import { memoryLog } from '../helpers/memory-log.ts'

test('the commands of the shell reach the running manager, and the cloud has what they say', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud)
  const manager = await device.start()
  const key = device.thingKey
  await cloud.waitForThing(key)
  const done = async (...words: string[]) => {
    const { code, err } = await device.run(...words)
    assert.equal(code, 0, `${words.join(' ')}: ${err}`)
  }
  await done('publish', 'telemetry', 'temperature', '-21.5', '--wait', '20')
  await done('publish', 'attribute', 'site', 'Hall 4', '--wait', '20')
  await done('publish', 'alarm', 'door', '2', '--message', 'open', '--wait', '20')
  await done('publish', 'event', 'door opened', '--level', 'warning', '--wait', '20')
  await done('publish', 'location', '-33.9', '151.2', '--altitude', '12', '--wait', '20')
  const thing = (await cloud.ask('thing.find', { key })) as Record<string, never>
  const text = JSON.stringify(thing)
  for (const part of ['-21.5', 'Hall 4', '"state":2', '-33.9']) assert.ok(text.includes(part), part)
  device.write('here/file.txt', 'content')
  await done('upload', 'here/file.txt', '--name', 'there.txt')
  await done('download', 'there.txt', 'here/again.txt')
  assert.equal(device.read('here/again.txt'), 'content')

  const status = JSON.parse((await device.run('status', '--json')).out)
  assert.equal(status.link.state, 'up')
  assert.equal(status.thingKey, key)
  assert.equal(status.queue.lanes.telemetry.delivered, 1)
  const shown = await device.run('status')
  assert.match(shown.out, /link {7}up for /)

  // A check beside a running manager asks it instead of throwing it out.
  const check = await device.run('check', '-i', 'device_manager_py')
  assert.equal(check.code, 0, check.out + check.err)
  assert.match(check.out, /ok {4}login +the running device manager is connected/)
  assert.equal(JSON.parse((await device.run('status', '--json')).out).link.reconnects, 0)
  const other = await device.run('check', '-i', 'other')
  assert.match(
    other.out,
    /ok {4}login +accepted for the thing key \S+-other; the running device manager is \S+-device_manager_py, see --app-id\n/,
  )

  // Each option of the library is a flag.
  const place = ['--latitude', '1', '--longitude', '-2']
  const address = ['--street-number', '7', '--street', 'Elm', '--city', 'X', '--state', 'Y', '--zip-code', '1']
  await done('publish', 'telemetry', 'rpm', '900', '--corr-id', 'run-1', '--aggregate', '--wait', '20')
  await done('publish', 'attribute', 'mode', 'auto', '--corr-id', 'run-1', '--republish', '--wait', '20')
  await done('publish', 'alarm', 'door', '1', '--corr-id', 'run-1', ...place, '--wait', '20')
  await done('publish', 'event', 'started', '--corr-id', 'run-1', '--global', '--wait', '20')
  await done('publish', 'location', '1', '-2', '--corr-id=run-1', ...address, '--country', 'Z', '--wait', '20')
  for (const [command, named] of [
    ['property.current', { key: 'rpm' }],
    ['attribute.current', { key: 'mode' }],
    ['alarm.current', { key: 'door' }],
    ['location.current', {}],
  ] as const)
    assert.equal((await cloud.ask(command, { thingKey: key, ...named })).corrId, 'run-1', command)
  const { streetNumber, country } = await cloud.ask('location.current', { thingKey: key })
  assert.deepEqual([streetNumber, country], ['7', 'Z'])
  assert.equal((await cloud.ask('alarm.current', { thingKey: key, key: 'door' })).lng, -2)
  assert.equal((await cloud.ask('log.list', { corrId: 'run-1' })).result[0].msg, 'started')
  await done('upload', 'here/file.txt', '-n', 'tagged.txt', '--public', '--tag', 'a', '--tag', 'b', '--log-complete')
  const listed = await cloud.ask('file.list', { thingKey: key, tags: ['a', 'b'] })
  assert.deepEqual([listed.result[0].fileName, listed.result[0].public], ['tagged.txt', true])
  const wrong = await device.run('publish', 'alarm', 'door', '1', '--latitude', '1')
  assert.equal(wrong.code, 2)
  assert.match(wrong.err, /latitude is there and longitude is not\. Give both/)

  const missing = await device.run('download', 'nothing.txt', 'x')
  assert.equal(missing.code, 1)
  assert.match(missing.err, /^device-cloud: .*nothing\.txt/)
  assert.equal((await device.run('publish', 'telemetry', 'temperature', 'warm')).code, 2)

  const second = await device.run('manager', '-i', 'device_manager_py')
  assert.equal(second.code, 1)
  assert.match(second.err, /Another device manager \(process \d+\) uses .*runtime/)
  assert.ok(existsSync(join(device.runtime, 'device-cloud.sock')), 'the first one keeps its socket')

  // Publishing right before the end: what was taken charge of gets through.
  await done('publish', 'event', 'the last words')
  manager.kill('SIGTERM')
  assert.deepEqual(await manager.ended, { code: 0, signal: null })
  await cloud.heard({ thingKey: key, contains: 'the last words' })
  const gone = await device.run('status')
  assert.equal(gone.code, 4)
  assert.match(gone.err, /does not answer on .*device-cloud\.sock.*Start "device-cloud manager"/)
  const said = [manager.err, status, shown.out, check.out, second.err].map(String).join('')
  assert.ok(!said.includes(deviceToken))
})

test('SIGHUP reads the configuration again: switches, folders and attributes at once, the rest is said', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud)
  const manager = await device.start()
  const key = device.thingKey
  await cloud.waitForThing(key)
  const change = (name: string, members: object) => device.write(name, { ...JSON.parse(device.read(name)), ...members })
  assert.ok((await cloud.exec(key, 'ping')).success)
  change('iot.cfg', { actions_enabled: { reset_agent: false, file_transfers: true } })
  change('iot-connect.cfg', { file_transfer: { allow: ['/nowhere'] }, keep_alive: 77 })
  device.write('attributes.cfg', { publish_attribute: { site: 'Hall 9' } })
  manager.kill('SIGHUP')
  await manager.says(/configuration reloaded; some settings need a restart settings=keep_alive/)
  assert.deepEqual((await cloud.exec(key, 'ping')).errorCodes, [18])
  const refused = await cloud.exec(key, 'file_upload', { file_path: '/etc/hostname' })
  assert.deepEqual(refused.errorCodes, [10])
  assert.match(refused.errorMessages?.[0] ?? '', /file_transfer\.allow/)
  await eventually('the new attribute', async () => {
    const { params } = await cloud.api('thing.find', { key })
    return params?.attrs?.site?.value === 'Hall 9'
  })
  device.write('iot.cfg', '{ "runtime_dir": ')
  manager.kill('SIGHUP')
  await manager.says(/configuration not reloaded: it has mistakes/)
  assert.deepEqual((await cloud.exec(key, 'ping')).errorCodes, [18])
  manager.kill('SIGINT')
  assert.equal((await manager.ended).code, 0)
})

test('SIGHUP takes over what the table marks as live: both log levels, name, health, memory, services and transfers', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud, { connection: { log_level: 'error' }, manager: { log_level: 'info' } })
  const manager = await device.start()
  const key = device.thingKey
  await cloud.waitForThing(key)
  const change = (name: string, members: object) => device.write(name, { ...JSON.parse(device.read(name)), ...members })
  const upload = async (name: string) => {
    device.write(`runtime/upload/${name}`, 'content')
    assert.ok((await cloud.exec(key, 'file_upload', { file_name: name })).success)
    return existsSync(join(device.runtime, 'upload', name))
  }
  const softLimit = async () => JSON.parse((await device.run('status', '--json')).out).memory.softLimitBytes
  assert.equal(await upload('one.txt'), false)
  assert.notEqual(await softLimit(), 777 * 1024 * 1024)
  change('iot.cfg', {
    log_level: null,
    thing_friendly_name: 'Pump 7',
    health_interval: 1,
    memory_soft_limit: 777,
    remote_access_support: [{ name: 'Broker', port: cloud.mqtt }],
    upload_remove_on_success: false,
  })
  manager.kill('SIGHUP')
  await eventually('the name, the services and the health', async () => {
    const { params } = await cloud.api('thing.find', { key })
    const services = String(params?.attrs?.remote_access_support?.value)
    const hasHealth = JSON.stringify(params).includes('health_uptime_seconds')
    return params?.name === 'Pump 7' && services.includes(String(cloud.mqtt)) && hasHealth
  })
  assert.equal(await softLimit(), 777 * 1024 * 1024)
  assert.equal(await upload('two.txt'), true)
  // Without a level of its own, the manager has that of the connection file.
  assert.ok(!manager.err.includes('configuration reloaded'))
  change('iot-connect.cfg', { log_level: 'info' })
  manager.kill('SIGHUP')
  await manager.says(/configuration reloaded/)
  manager.kill('SIGTERM')
  assert.deepEqual(await manager.ended, { code: 0, signal: null })
})

test('a second signal ends a manager at once that waits for the cloud', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud)
  const manager = await device.start()
  await cloud.waitForThing(device.thingKey)
  await cloud.fault('swallowRequest')
  assert.equal((await device.run('publish', 'event', 'never answered')).code, 0)
  manager.kill('SIGQUIT')
  // The socket goes first: from then on it waits for the cloud.
  await eventually('the end begun', () => !existsSync(join(device.runtime, 'device-cloud.sock')))
  manager.kill('SIGTERM')
  assert.deepEqual(await manager.ended, { code: 1, signal: null })
  // The next one finds a lock whose holder is gone.
  await cloud.clearFaults()
  const next = await device.start()
  next.kill('SIGTERM')
  assert.equal((await next.ended).code, 0)
})

test('keep_alive seconds without a link end the manager with exit code 4; a cloud that is down does not', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud, { connection: { keep_alive: 0.5 } })
  await cloud.stop()
  const manager = await device.start()
  assert.equal((await manager.ended).code, 4)
  assert.match(manager.err, /no connection for keep_alive seconds/)
})

test('a device that was never set up is told all that is missing, with exit code 3', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud)
  device.write('iot-connect.cfg', { cloud: { hots: 'x', port: 'no port', token: deviceToken } })
  const { code, err } = await device.run('manager')
  assert.equal(code, 3)
  assert.match(err, /cloud\.host/)
  assert.match(err, /iot-connect\.cfg:4:\d+: cloud\.port/)
  assert.ok(!err.includes(deviceToken))
})

test('reboot_device: the cloud has the answer before the machine goes down, and a machine that cannot says so [M7]', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud, {
    manager: { actions_enabled: { reboot_device: true, shutdown_device: true, reset_agent: true } },
  })
  const root = device.path('root')
  const proof = device.path('rebooted')
  const key = device.thingKey
  const { log } = memoryLog()
  const manager = await Manager.open({
    appId: 'device_manager_py',
    configDir: device.folder,
    configFile: 'iot-connect.cfg',
    settings: {},
    clock: systemClock,
    log,
    onEnd: () => {},
    powerOptions: { root, userId: 0 },
  })
  t.after(() => manager.close())
  await manager.start()
  await cloud.waitForThing(key)

  const without = await cloud.exec(key, 'reboot_device')
  assert.deepEqual(without.errorCodes, [18])
  assert.match(without.errorMessages?.[0] ?? '', /reboot failed: .*reboot/)

  mkdirSync(join(root, 'sbin'), { recursive: true })
  const program = (name: string, script: string) => {
    writeFileSync(join(root, 'sbin', name), `#!/bin/sh\n${script}\n`)
    chmodSync(join(root, 'sbin', name), 0o755)
  }
  program('reboot', `echo reboot > ${proof}`)
  program('poweroff', 'echo not today >&2; exit 1')
  const { success } = await cloud.exec(key, 'reboot_device')
  assert.ok(success)
  await eventually('the reboot', () => existsSync(proof) && readFileSync(proof, 'utf8') === 'reboot\n')
  assert.ok(!existsSync(join(device.runtime, 'message_ids')), 'an answer that the cloud has is not kept')

  // The answer is given before; what goes wrong then is an event.
  assert.ok((await cloud.exec(key, 'shutdown_device')).success)
  await cloud.heard({ thingKey: key, command: 'log.publish', contains: 'not today' })
})
