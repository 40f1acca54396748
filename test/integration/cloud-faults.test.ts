// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { generate } from 'mqtt-packet'
import { type LocalCloud, startCloud } from '../helpers/local-cloud.ts'
import { http, type PlainDevice, plainDevice } from '../helpers/plain-device.ts'

async function ready(t: TestContext): Promise<{ cloud: LocalCloud; device: PlainDevice }> {
  const cloud = await startCloud(t)
  return { cloud, device: await plainDevice(t, cloud, 'dev-1') }
}

const ping = '{"1":{"command":"diag.ping"}}'
const closed = (device: PlainDevice) =>
  new Promise<void>(resolve => (device.client.connected ? device.client.once('close', () => resolve()) : resolve()))

test('drops, swallows, doubles, delays and reorders replies', async t => {
  const { cloud, device } = await ready(t)
  const publish = (value: number) =>
    JSON.stringify({ '1': { command: 'property.publish', params: { key: 'temp', value } } })
  await cloud.fault('dropReply', { times: 1 })
  device.say('api/1', publish(1))
  await cloud.heard({ topic: 'api/1' })
  await cloud.fault('swallowRequest', { times: 1, command: 'property.*' })
  device.say('api/2', publish(2))
  await device.command('diag.ping')
  assert.equal((await cloud.ask('property.current', { thingKey: 'dev-1', key: 'temp' })).value, 1)
  assert.deepEqual(
    device.heard.map(one => one.topic),
    ['reply/t1'],
  )

  await cloud.fault('duplicateReply', { times: 1 })
  device.say('api/3', ping)
  await device.json('reply/3', 2)

  await cloud.fault('reorderReplies', { window: 2, times: 2 })
  await cloud.fault('delayReply', { ms: 5, times: 1, command: 'diag.time' })
  device.say('api/4', ping)
  device.say('api/5', ping)
  await device.json('reply/4')
  assert.deepEqual(
    device.heard.slice(-2).map(one => one.topic),
    ['reply/5', 'reply/4'],
  )
  await device.command('diag.time')
})

test('answers with garbage, with bytes, with nothing, with too much', async t => {
  const { cloud, device } = await ready(t)
  await cloud.fault('garbageReply', { times: 1, text: 'nonsense' })
  device.say('api/1', ping)
  assert.equal((await device.bytes('reply/1')).toString(), 'nonsense')
  await cloud.fault('binaryReply', { times: 1 })
  device.say('api/2', ping)
  assert.equal((await device.bytes('reply/2'))[0], 0xff)
  await cloud.fault('emptyReply', { times: 1 })
  device.say('api/3', ping)
  assert.deepEqual(await device.json('reply/3'), {})
  await cloud.fault('oversizedReply', { times: 1 })
  device.say('api/4', ping)
  assert.equal((await device.bytes('reply/4')).length, 10 * 1024 * 1024)
  assert.equal((await device.json('reply/4'))['1'].success, true)
})

test('refuses a command by its name, an item by its key, a request as a whole', async t => {
  const { cloud, device } = await ready(t)
  await cloud.fault('refuseCommand', {
    command: 'property.batch',
    key: 'bad',
    errorCodes: [-90007, -1],
    errorMessages: ['no', 'never'],
  })
  const data = ['good', 'bad', 'late'].map(key => ({ key, value: 1 }))
  const refused = await device.command('property.batch', { data })
  assert.deepEqual(refused, {
    success: false,
    errorCodes: [-90007, -1],
    errorMessages: ['data[1]: no', 'data[1]: never'],
  })
  assert.deepEqual(Object.keys((await cloud.ask('thing.find', { key: 'dev-1' })).properties), ['good'])
  await cloud.fault('refuseCommand', { command: 'diag.*', errorCodes: [-5], times: 1 })
  assert.deepEqual((await device.command('diag.ping')).errorCodes, [-5])
  assert.equal((await device.command('diag.ping')).success, true)
  await cloud.fault('refuseRequest', { errorCodes: [-6], times: 1 })
  device.say('api/9', ping)
  assert.deepEqual((await device.json('reply/9')).errorCodes, [-6])
  await cloud.fault('rateLimit', { perSecond: 0, times: 1 })
  device.say('api/10', ping)
  assert.equal((await device.json('reply/10')).success, false)
  await cloud.clearFaults()
  await cloud.fault('batchLimit', { items: 2 })
  assert.equal((await device.command('property.batch', { data })).success, false)
})

test('withholds PUBACK, or sends it late and the answer after it [TR50 8.3]', async t => {
  const { cloud, device } = await ready(t)
  const heard: string[] = []
  device.client.on('packetreceive', packet => {
    if (packet.cmd === 'puback') heard.push('puback')
    if (packet.cmd === 'publish') heard.push(packet.topic)
  })
  await device.command('diag.ping')
  assert.deepEqual(heard, ['puback', 'reply/t1'])
  await cloud.fault('delayPuback', { ms: 20, times: 1 })
  await device.command('diag.ping')
  assert.deepEqual(heard.slice(2), ['puback', 'reply/t2'])
  await cloud.fault('noPuback', { times: 1 })
  await device.command('diag.ping')
  await device.command('diag.ping')
  assert.deepEqual(heard.slice(4), ['reply/t3', 'puback', 'reply/t4'])
})

test('--python-agent holds every PUBACK back and cuts fractions in property.history only', async t => {
  const cloud = await startCloud(t, { args: ['--python-agent'] })
  const device = await plainDevice(t, cloud, 'dev-1')
  const active = (await cloud.ask('cloud.fault.list')).active.map((fault: { name: string }) => fault.name)
  assert.deepEqual(active, ['cutHistoryFraction', 'delayPuback'])
  await device.command('property.publish', { key: 'temp', value: 1, ts: '2024-03-05T10:11:12.000345Z' })
  const about = { thingKey: 'dev-1', key: 'temp' }
  assert.equal((await cloud.ask('property.history', about)).values[0].ts, '2024-03-05T10:11:12Z')
  assert.equal((await cloud.ask('property.current', about)).ts, '2024-03-05T10:11:12.000345Z')
})

test('refuses logins with each code, and closes connections after CONNACK or at once', async t => {
  const { cloud, device } = await ready(t)
  for (const code of [1, 2, 3, 4, 5]) {
    await cloud.fault('refuseLogin', { code, times: 1 })
    await assert.rejects(
      plainDevice(t, cloud, 'dev-2', { protocolVersion: 4 }),
      (error: unknown) => error instanceof Error && 'code' in error && error.code === code,
    )
  }
  await cloud.fault('kickAfterConnack', { thingKey: 'dev-2', times: 1 })
  await closed(await plainDevice(t, cloud, 'dev-2'))
  const other = await plainDevice(t, cloud, 'dev-2')
  const secure = await plainDevice(t, cloud, 'dev-3', { url: `mqtts://127.0.0.1:${cloud.mqtts}` })
  for (const reset of [false, true]) {
    const gone = [device, other].filter(one => one.client.connected).map(closed)
    await cloud.fault('closeConnections', { transport: 'mqtt', reset })
    await Promise.all(gone)
    assert.equal(secure.client.connected, true)
  }
  await cloud.fault('closeConnections', { reset: true })
  await closed(secure)
  assert.deepEqual((await cloud.ask('cloud.fault.list')).active, [])
})

test('a request that comes with the login of a session that is closed after CONNACK has no effect', async t => {
  const { cloud } = await ready(t)
  await cloud.fault('kickAfterConnack', { thingKey: 'dev-2', times: 1 })
  const login = { clientId: 'dev-2', username: 'dev-2', password: Buffer.from(cloud.token), clean: true, keepalive: 60 }
  const payload = '{"1":{"command":"property.publish","params":{"thingKey":"dev-2","key":"temp","value":1}}}'
  const both = Buffer.concat([
    generate({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, ...login }),
    generate({ cmd: 'publish', topic: 'api/1', payload, qos: 1, messageId: 1, dup: false, retain: false }),
  ])
  const socket = connect(cloud.mqtt, '127.0.0.1', () => socket.write(both))
  const heard: Buffer[] = []
  socket.on('data', bytes => heard.push(bytes))
  await new Promise(resolve => socket.once('close', resolve))
  assert.deepEqual(Buffer.concat(heard), Buffer.from([0x20, 2, 0, 0]))
  assert.deepEqual((await cloud.ask('cloud.samples', { thingKey: 'dev-2' })).properties, {})
})

test('a half-open link neither reads nor writes nor closes, until it is cleared', async t => {
  const { cloud, device } = await ready(t)
  await cloud.fault('halfOpen', { thingKey: 'dev-1' })
  device.say('api/1', ping)
  const other = await plainDevice(t, cloud, 'dev-2')
  await other.command('diag.ping')
  assert.equal(device.client.connected, true)
  assert.deepEqual(device.heard, [])
  assert.equal((await cloud.transcript({ thingKey: 'dev-1', topic: 'api/1' })).length, 0)
  const gone = closed(device)
  await cloud.clearFaults()
  await gone
})

test('a port can be closed and opened again', async t => {
  const { cloud, device } = await ready(t)
  const tryIt = () =>
    new Promise<string>(resolve => {
      const socket = connect(cloud.mqtt, '127.0.0.1')
      socket.once('connect', () => resolve('open'))
      socket.once('error', () => resolve('closed'))
      socket.unref()
    })
  await cloud.fault('stopListening', { transport: 'mqtt' })
  assert.equal(await tryIt(), 'closed')
  assert.equal((await device.command('diag.ping')).success, true)
  await cloud.clearFaults()
  assert.equal(await tryIt(), 'open')
  const wrong = await cloud.api('cloud.fault.set', { name: 'stopListening', transport: 'https' })
  assert.match(wrong.errorMessages?.[0] ?? '', /needs forMs/)
  assert.equal((await http(cloud, 'GET', '/')).status, 200)
})

test('a message above the limit ends the connection, also one that was opened before the fault, and of the named thing alone', async t => {
  const cloud = await startCloud(t)
  const device = await plainDevice(t, cloud, 'dev-1')
  const other = await plainDevice(t, cloud, 'dev-2')
  await cloud.fault('payloadLimit', { bytes: 1000, thingKey: 'dev-1', times: 1 })
  const gone = closed(device)
  other.say('api/1', 'x'.repeat(2000))
  device.say('api/1', 'x'.repeat(2000))
  await gone
  assert.equal((await other.command('diag.ping')).success, true)
  assert.deepEqual((await cloud.ask('cloud.fault.list')).active, [])
  await cloud.heard({ topic: 'error', contains: 'an MQTT packet that is too large' })
})

test('an operator can push anything to a device, and set the clock of diag.time off', async t => {
  const { cloud, device } = await ready(t)
  await cloud.ask('cloud.push', { thingKey: 'dev-1', topic: 'reply/none', payload: '{"1":{"success":true}}' })
  await cloud.ask('cloud.push', { thingKey: 'dev-1', topic: 'notify/other', base64: 'AAEC', qos: 0 })
  assert.deepEqual(await device.json('reply/none'), { '1': { success: true } })
  assert.deepEqual([...(await device.bytes('notify/other'))], [0, 1, 2])
  await cloud.fault('timeOffset', { ms: -86_400_000 })
  const { params } = await device.command('diag.time')
  assert.ok(params.time < Date.now() - 80_000_000)
})
