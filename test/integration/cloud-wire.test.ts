// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { deflateSync, inflateSync } from 'node:zlib'
import { startCloud } from '../helpers/local-cloud.ts'
import { plainDevice } from '../helpers/plain-device.ts'

interface Exchange {
  readonly trigger: string
  readonly topic: string
  readonly payload?: string
  readonly known?: { readonly command: string; readonly id: string; readonly errorCode: number }
}

function fixture(name: string): readonly Exchange[] {
  const path = join(import.meta.dirname, '../fixtures/wire', name)
  return JSON.parse(readFileSync(path, 'utf8')).exchanges
}

const thingKey = 'dev-1-app'
const ts = '2024-03-05T10:11:12.000345Z'

test('takes every message of the old Python agent, byte for byte [TR50 8.3] [TR50 appendix A]', async t => {
  const cloud = await startCloud(t)
  const device = await plainDevice(t, cloud, thingKey)
  const ids = new Map<string, string>()
  for (const name of ['id1', 'id2', 'id3', 'id4', 'id5']) {
    const order = { thingKey, method: 'any', params: { name }, ackTimeout: 0, ttl: -1 }
    ids.set(name, (await cloud.ask('method.exec', order)).id)
  }
  await device.command('mailbox.check', { autoComplete: false })
  const withIds = (text: string) => text.replace(/"(id\d)"/g, (_, name: string) => `"${ids.get(name)}"`)

  for (const { trigger, topic, payload, known } of fixture('python-agent.json')) {
    const { command, ...params } = known ?? { command: '' }
    const errorMessage = 'ERROR: something'
    device.say(topic, withIds(payload ?? JSON.stringify({ '1': { command, params: { ...params, errorMessage } } })))
    // A download of what was never uploaded is the one that is refused.
    const isRefused = trigger === 'download'
    const reply = await device.json(topic.replace('api', 'reply'))
    for (const [id, result] of Object.entries<{ success: boolean }>(reply))
      assert.equal(result.success, !isRefused, `${trigger}: ${id}: ${JSON.stringify(result)}`)
  }

  const ask = (command: string, params: object = {}) => cloud.ask(command, { thingKey, ...params })
  const log = await ask('log.list')
  assert.deepEqual(
    log.result.map((entry: { msg: string; ts: string }) => [entry.msg, entry.ts]),
    [
      ['e', ts],
      ['f', ts],
    ],
  )
  const alarm = await ask('alarm.current', { key: 'door' })
  assert.deepEqual({ ...alarm, duration: 0 }, { state: 1, msg: 'm', ts, duration: 0 })
  assert.deepEqual(await ask('attribute.current', { key: 'k' }), { value: 'v', ts })
  assert.deepEqual(await ask('property.current', { key: 'p' }), { value: 1.5, ts, corrId: ts })
  assert.deepEqual(await ask('location.current'), { lat: 1, lng: 2, ts })
  // The meaningless top level of a batch makes nothing.
  const thing = await ask('thing.find', { key: thingKey })
  assert.deepEqual(Object.keys(thing.alarms), ['door'])
  assert.deepEqual(Object.keys(thing.attrs), ['k'])
  assert.deepEqual(Object.keys(thing.properties), ['p'])
  assert.equal(thing.name, 'N')

  const mail = async (name: string) => await ask('mailbox.find', { id: ids.get(name) })
  assert.equal((await mail('id1')).history.at(-1).message, 'Invoked')
  assert.equal((await mail('id1')).status, 'in-flight')
  assert.deepEqual((await mail('id2')).result, { ok: false, errorCode: 12, errorMessage: 'ERROR: something' })
  assert.deepEqual((await mail('id3')).result, { ok: true, params: { a: 1 } })
  assert.equal((await mail('id4')).status, 'completed-error')
})

test('takes the forms of the other agents in the field', async t => {
  const cloud = await startCloud(t)
  const device = await plainDevice(t, cloud, thingKey)
  const { id } = await cloud.ask('method.exec', { thingKey, method: 'any', ackTimeout: 0 })
  const replies = new Map<string, number>()
  for (const { trigger, topic, payload = '' } of fixture('other-agents.json')) {
    device.say(topic, payload.replace('"id5"', `"${id}"`))
    const replyTopic = topic.replace('api', 'reply')
    replies.set(replyTopic, (replies.get(replyTopic) ?? 0) + 1)
    const reply = await device.json(replyTopic, replies.get(replyTopic))
    const [result] = Object.values<{ success: boolean }>(reply)
    assert.equal(result?.success, true, `${trigger}: ${JSON.stringify(reply)}`)
  }
  assert.equal((await cloud.ask('mailbox.find', { id })).status, 'completed')
  assert.equal((await cloud.ask('property.current', { thingKey, key: 'temp' })).ts, '2024-03-05T10:11:12Z')
})

test('answers on the suffix of the request, without a subscription and not twice because of one [TR50 1.3]', async t => {
  const cloud = await startCloud(t)
  const device = await plainDevice(t, cloud, 'dev-1')
  device.say('api', '{"x":{"command":"diag.ping"}}')
  assert.deepEqual(await device.json('reply'), { x: { success: true } })
  const granted = await device.client.subscribeAsync(['reply/#', 'notify/mailbox_activity', '#'], { qos: 1 })
  assert.deepEqual(
    granted.map(one => one.qos),
    [1, 1, 1],
  )
  device.say('api/any/thing', '{"a":{"command":"diag.echo","params":{"b":[1,null]}},"b":{"command":"no.such"}}', 0)
  const reply = await device.json('reply/any/thing')
  assert.deepEqual(reply.a, { success: true, params: { b: [1, null] } })
  assert.deepEqual(reply.b, { success: false, errorCodes: [-90101], errorMessages: ['Command no.such is not known.'] })
  assert.equal((await device.command('diag.ping')).success, true)
  const topics = device.heard.map(one => one.topic)
  assert.deepEqual(topics, ['reply', 'reply/any/thing', 'reply/t1'])
})

test('answers a compressed request compressed, and others never [TR50 2.1]', async t => {
  const cloud = await startCloud(t)
  const device = await plainDevice(t, cloud, 'dev-1')
  device.say('apiz/12', deflateSync('{"1":{"command":"diag.time"}}', { level: 9 }))
  const reply = JSON.parse(inflateSync(await device.bytes('replyz/12')).toString())
  assert.ok(Math.abs(reply['1'].params.time - Date.now()) < 600_000)
  device.say('apiz/13', 'not compressed')
  const refusal = JSON.parse(inflateSync(await device.bytes('replyz/13')).toString())
  assert.equal(refusal.success, false)
})

test('a malformed request is refused at the root of the reply [TR50 2.3]', async t => {
  const cloud = await startCloud(t)
  const device = await plainDevice(t, cloud, 'dev-1')
  for (const [index, text] of ['', 'nonsense', '[]', '{}', '7'].entries()) {
    device.say(`api/${index}`, text)
    const reply = await device.json(`reply/${index}`)
    assert.equal(reply.success, false, text)
    assert.equal(reply.errorCodes.length, reply.errorMessages.length)
  }
  device.say('api/9', '{"__proto__":{"command":"diag.ping"},"2":5,"3":{"command":"diag.ping","params":[]}}')
  const text = (await device.bytes('reply/9')).toString()
  assert.match(text, /"__proto__":\{"success":true\}/)
  const reply = JSON.parse(text)
  assert.deepEqual([reply['2'].success, reply['3'].success], [false, false])
})

test('a batch stops at its first error in the order of time', async t => {
  const cloud = await startCloud(t)
  const device = await plainDevice(t, cloud, 'dev-1')
  const at = (second: number) => `2024-03-05T10:11:0${second}.000001Z`
  const data = [
    { key: 'c', value: 3, ts: at(3) },
    { key: 'a', value: 1, ts: at(1) },
    { key: 'b', value: 'two', ts: at(2) },
  ]
  const result = await device.command('property.batch', { data })
  assert.deepEqual(result.errorMessages, ['data[2]: value must be a number.'])
  const thing = await cloud.ask('thing.find', { key: 'dev-1' })
  assert.deepEqual(Object.keys(thing.properties), ['a'])
})

test('keeps the short form of the server topics, and publishes the change to subscribers [TR50 2.1]', async t => {
  const cloud = await startCloud(t)
  const device = await plainDevice(t, cloud, 'dev-1')
  const operator = await plainDevice(t, cloud, 'someone', { username: cloud.user, password: cloud.password })
  await operator.client.subscribeAsync('thing/dev-1/#', { qos: 1 })
  device.say('thing/dev-1/property/temp', '21.5')
  device.say('thing/dev-1/attribute/color', 'red')
  device.say('thing/dev-1/alarm/door', '2')
  assert.equal((await operator.bytes('thing/dev-1/property/temp')).toString(), '21.5')
  assert.equal((await operator.bytes('thing/dev-1/attribute/color')).toString(), 'red')
  assert.equal((await operator.bytes('thing/dev-1/alarm/door')).toString(), '2')
  device.say('thing/other/property/temp', '1')
  await cloud.heard({ topic: 'refused', contains: 'Thing key other is not known' })
  await device.command('location.publish', { lat: 1.5, lng: 2.5 })
  const location = await operator.json('thing/dev-1/location')
  assert.deepEqual([location.lat, location.lng], [1.5, 2.5])
})

test('a resent request is answered again [TR50 1.4]', async t => {
  const cloud = await startCloud(t)
  const device = await plainDevice(t, cloud, 'dev-1')
  for (let turn = 0; turn < 2; turn++) device.say('api/0007', '{"1":{"command":"diag.ping"}}')
  assert.deepEqual(await device.json('reply/0007', 2), { '1': { success: true } })
})

test('alarms that repeat their state are left out unless republished [TR50 alarm.publish]', async t => {
  const cloud = await startCloud(t)
  const device = await plainDevice(t, cloud, 'dev-1')
  const publish = (state: number, more: object = {}) => device.command('alarm.publish', { key: 'door', state, ...more })
  await publish(1)
  await publish(1, { msg: 'again' })
  await publish(1, { republish: true, msg: 'republished' })
  await publish(0)
  const { values } = await cloud.ask('alarm.history', { thingKey: 'dev-1', key: 'door' })
  assert.deepEqual(
    values.map((row: { state: number; msg?: string }) => [row.state, row.msg]),
    [
      [1, undefined],
      [1, 'republished'],
      [0, undefined],
    ],
  )
})

test('a request that is nested too deep is refused, and the cloud keeps running', async t => {
  const cloud = await startCloud(t)
  const device = await plainDevice(t, cloud, 'dev-1')
  const nested = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`
  for (const command of ['diag.echo', 'thing.attr.set', 'mailbox.send']) {
    device.client.publish('api/deep', `{"1":{"command":"${command}","params":{"key":"k","value":${nested}}}}`)
    assert.deepEqual((await device.json('reply/deep')).errorCodes, [-90100], command)
  }
  assert.equal((await device.command('diag.ping')).success, true)
})
