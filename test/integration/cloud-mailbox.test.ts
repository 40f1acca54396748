// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startCloud } from '../helpers/local-cloud.ts'
import { type PlainDevice, plainDevice } from '../helpers/plain-device.ts'

const check = async (device: PlainDevice, params: object = { autoComplete: false }) =>
  (await device.command('mailbox.check', params)).params.messages

test('an operator sees what the device acknowledged, success or failure [TR50 4.3]', async t => {
  const cloud = await startCloud(t)
  const device = await plainDevice(t, cloud, 'dev-1')
  const good = cloud.exec('dev-1', 'ping', { a: 1 })
  assert.deepEqual(Object.keys(await device.json('notify/mailbox_activity')), ['sessionId', 'thingKey'])
  const [mail] = await check(device)
  assert.deepEqual(mail.params, { method: 'ping', thingDefKey: 'default', params: { a: 1 } })
  await device.command('mailbox.update', { id: mail.id, msg: 'Invoked' })
  await device.command('mailbox.ack', { id: mail.id, errorCode: 0, errorMessage: '' })
  assert.deepEqual(await good, { success: true, params: {} })

  const bad = cloud.exec('dev-1', 'fail')
  await device.json('notify/mailbox_activity', 2)
  const [other] = await check(device)
  assert.equal('params' in other.params, false)
  await device.command('mailbox.ack', { id: other.id, errorCode: '19', errorMessage: 'fail and such' })
  assert.deepEqual(await bad, { success: false, errorCodes: [19], errorMessages: ['fail and such'] })
  assert.equal((await device.command('mailbox.ack', { id: other.id })).success, false)
  assert.deepEqual(await check(device), [])
})

test('without an acknowledgement the operator gets an error, and the message may complete later', async t => {
  const cloud = await startCloud(t)
  const device = await plainDevice(t, cloud, 'dev-1')
  const late = cloud.exec('dev-1', 'slow', undefined, { ackTimeout: 1 })
  await device.json('notify/mailbox_activity')
  const [mail] = await check(device)
  assert.deepEqual((await late).errorCodes, [-90107])
  await device.command('mailbox.ack', { id: mail.id })
  assert.equal((await cloud.ask('mailbox.find', { id: mail.id })).status, 'completed')
})

test('mail that waited is announced at connect [TR50 4.4]', async t => {
  const cloud = await startCloud(t)
  const device = await plainDevice(t, cloud, 'dev-1')
  await device.client.endAsync()
  await cloud.waitForThing('dev-1', { connected: false })
  const { params } = await cloud.exec('dev-1', 'ping', undefined, { ackTimeout: 0 })
  const again = await plainDevice(t, cloud, 'dev-1')
  await again.json('notify/mailbox_activity')
  assert.equal((await check(again))[0].id, params.id)
})

test('mail in flight comes again after a lost session only if that is switched on', async t => {
  const cloud = await startCloud(t)
  for (const isOn of [false, true]) {
    const key = `dev-${isOn}`
    const device = await plainDevice(t, cloud, key)
    await cloud.exec(key, 'ping', undefined, { ackTimeout: 0 })
    const [mail] = await check(device)
    if (isOn) await cloud.fault('redeliverMail', { when: 'session' })
    assert.deepEqual(await check(device), [])
    await device.client.endAsync()
    await cloud.waitForThing(key, { connected: false })
    const again = await plainDevice(t, cloud, key)
    if (isOn) await again.json('notify/mailbox_activity')
    assert.deepEqual(await check(again), isOn ? [mail] : [])
  }
})

test('mail in flight comes again with every check if that is switched on', async t => {
  const cloud = await startCloud(t)
  const device = await plainDevice(t, cloud, 'dev-1')
  await cloud.fault('redeliverMail', { when: 'check' })
  await cloud.exec('dev-1', 'ping', undefined, { ackTimeout: 0 })
  const [mail] = await check(device)
  assert.deepEqual(await check(device), [mail])
  await device.command('mailbox.ack', { id: mail.id })
  assert.deepEqual(await check(device), [])
})

test('limit, ttl, singleton and mailbox.send', async t => {
  const cloud = await startCloud(t)
  const device = await plainDevice(t, cloud, 'dev-1')
  const send = async (command: string, more: object = {}) =>
    (await cloud.ask('mailbox.send', { thingKey: 'dev-1', command, ackTimeout: 0, ...more })).id
  const ids = [await send('a'), await send('b', { params: { x: 1 } }), await send('c', { singleton: true })]
  assert.equal(await send('c', { singleton: true }), ids[2])
  await send('gone', { ttl: 0 })
  const first = await check(device, { limit: 1, autoComplete: false })
  assert.deepEqual(
    first.map((mail: { id: string }) => mail.id),
    ids.slice(0, 1),
  )
  const rest = await check(device, { autoComplete: true })
  assert.deepEqual(
    rest.map((mail: { command: string }) => mail.command),
    ['b', 'c'],
  )
  const { counts } = await cloud.ask('mailbox.summary', { thingKey: 'dev-1' })
  assert.deepEqual(counts, { new: 0, 'in-flight': 1, completed: 2, 'completed-error': 0, expired: 1 })
  const { result } = await cloud.ask('mailbox.list', { thingKey: 'dev-1', status: 'in-flight' })
  assert.deepEqual(
    result.map((mail: { id: string }) => mail.id),
    ids.slice(0, 1),
  )
})

test('faults of the mailbox', async t => {
  const cloud = await startCloud(t)
  const device = await plainDevice(t, cloud, 'dev-1')
  await cloud.fault('duplicateNotify', { copies: 3, times: 1 })
  await cloud.fault('duplicateMail', { times: 1 })
  await cloud.exec('dev-1', 'ping', undefined, { ackTimeout: 0 })
  await device.json('notify/mailbox_activity', 3)
  const [one, other] = await check(device)
  assert.deepEqual(one, other)
  await cloud.fault('dropNotify', { times: 1 })
  await cloud.fault('bareEmptyMailbox')
  assert.equal((await device.command('mailbox.check')).params, undefined)
  await cloud.exec('dev-1', 'ping', undefined, { ackTimeout: 0 })
  assert.equal((await check(device)).length, 1)
  assert.equal(device.heard.filter(one => one.topic.startsWith('notify/')).length, 3)
})
