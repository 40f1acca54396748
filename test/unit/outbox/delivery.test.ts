// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { limits } from '../../../src/protocol/limits.ts'
import { settle } from '../../helpers/fake-clock.ts'
import { silent, succeed } from '../../helpers/fake-link.ts'
import { outboxScene, outcomeOf, sample } from '../../helpers/outbox-scene.ts'

const golden = JSON.parse(
  readFileSync(new URL('../../fixtures/wire/agent-requests.json', import.meta.url), 'utf8'),
) as Record<string, { payload: string }>

const messages = [
  [
    'two events',
    'event',
    [
      { msg: 'e', ts: 'T' },
      { msg: 'f', ts: 'T' },
    ],
  ],
  ['one alarm', 'alarm', [{ key: 'door', state: 1, ts: 'T', msg: 'm', republish: true }]],
  ['one attribute', 'attribute', [{ key: 'k', value: 'v', ts: 'T' }]],
  ['one location', 'location', [{ lat: 1, lng: 2, ts: 'T' }]],
  ['one property', 'telemetry', [{ key: 'p', value: 1.5, ts: 'T' }]],
  ['progress', 'ack', [{ command: 'mailbox.update', params: { id: 'id1', msg: 'Invoked' } }]],
  [
    'acknowledgement with params',
    'ack',
    [{ command: 'mailbox.ack', params: { id: 'id3', errorCode: 0, errorMessage: '', params: { a: 1 } } }],
  ],
  ['thing update', 'thing', [{ name: 'N', unset: ['desc'] }]],
] as const

for (const [scene, lane, items] of messages) {
  test(`${scene}: the message of lane ${lane} is the recorded one, and success delivers [TR50 appendix A]`, async t => {
    const { outbox, link } = outboxScene(t)
    const outcomes = items.map(item => outcomeOf(outbox.put(lane, item)))
    assert.deepEqual(
      await Promise.all(outcomes),
      items.map(() => 'delivered'),
    )
    assert.deepEqual(
      link.sent.map(({ text }) => text),
      [golden[scene]?.payload],
    )
  })
}

test('a sample goes out in the same turn: no clock has to move', async t => {
  const { outbox, link, clock } = outboxScene(t)
  assert.equal(await outcomeOf(outbox.put('telemetry', sample(1))), 'delivered')
  assert.equal(link.sent.length, 1)
  assert.equal(clock.monotonicMs(), 0)
})

test('a PUBACK is not delivery: without the answer of the cloud the receipt stays open', async t => {
  const { outbox, link } = outboxScene(t, { cloud: silent })
  const receipt = await outbox.put('telemetry', sample(1))
  let delivered = false
  void receipt.delivered().then(
    () => (delivered = true),
    () => {},
  )
  await settle()
  assert.equal(link.sent.length, 1)
  assert.equal(delivered, false)
  assert.equal(outbox.stats().lanes.telemetry.waiting, 1)
  link.reply(link.sent[0]?.suffix ?? '', { 1: { success: true } })
  await settle()
  assert.equal(delivered, true)
})

test('while one batch is on its way, new samples gather for the next: one message at a time, order kept [H12, H32]', async t => {
  const { outbox, link } = outboxScene(t, { cloud: silent })
  await outbox.put('telemetry', sample(0))
  await settle()
  for (let value = 1; value <= 5; value++) await outbox.put('telemetry', sample(value))
  await settle()
  assert.equal(link.sent.length, 1)
  link.reply(link.sent[0]?.suffix ?? '', { 1: { success: true } })
  await settle()
  assert.deepEqual(
    link.sent.map(({ commands }) => commands[0]?.params.data.map((item: { value: number }) => item.value)),
    [[0], [1, 2, 3, 4, 5]],
  )
  link.reply(link.sent[1]?.suffix ?? '', { 1: { success: true } })
  await settle()
})

test('lanes do not wait for each other, and acks and alarms leave first when all wait [H3]', async t => {
  const { outbox, link } = outboxScene(t, { isUp: false, cloud: silent })
  await outbox.put('telemetry', sample(1))
  await outbox.put('location', { lat: 1, lng: 2 })
  await outbox.put('event', { msg: 'e' })
  await outbox.put('alarm', { key: 'a', state: 1 })
  await outbox.put('ack', { command: 'mailbox.ack', params: { id: 'm', errorCode: 0 } })
  link.up()
  await settle()
  assert.deepEqual(
    link.commands.map(({ command }) => command),
    ['mailbox.ack', 'alarm.batch', 'log.publish', 'location.batch', 'property.batch'],
  )
})

test('an ack put while a telemetry batch has no answer yet leaves at once [H3]', async t => {
  const { outbox, link } = outboxScene(t, {
    cloud: message => (message.commands[0]?.command === 'property.batch' ? undefined : succeed(message)),
  })
  await outbox.put('telemetry', sample(1))
  await settle()
  const ack = outbox.put('ack', { command: 'mailbox.ack', params: { id: 'm', errorCode: 0 } })
  assert.equal(await outcomeOf(ack), 'delivered')
  assert.equal(link.sent.length, 2)
})

test('progress and its final ack travel in the order in which they were put [H32]', async t => {
  const { outbox, link } = outboxScene(t, { isUp: false })
  for (const msg of ['Invoked', '50 %', '100 %'])
    await outbox.put('ack', { command: 'mailbox.update', params: { id: 'm', msg } })
  await outbox.put('ack', { command: 'mailbox.ack', params: { id: 'm', errorCode: 0 } })
  link.up()
  assert.equal(await outbox.flush({ timeoutMs: 1000 }), true)
  assert.deepEqual(
    link.commands.map(({ params }) => params.msg ?? 'ack'),
    ['Invoked', '50 %', '100 %', 'ack'],
  )
  assert.equal(link.sent.length, 1)
})

test('a batch is bounded by items and by bytes [H31]', async t => {
  const { outbox, link } = outboxScene(t, { isUp: false })
  const count = limits.maxBatchItems * 2 + 10
  for (let value = 0; value < count; value++) await outbox.put('telemetry', sample(value))
  const text = 'x'.repeat(50 * 1024)
  for (let index = 0; index < 5; index++) await outbox.put('attribute', { key: `k${index}`, value: text })
  link.up()
  assert.equal(await outbox.flush({ timeoutMs: 1000 }), true)
  const batches = link.commands.filter(({ command }) => command === 'property.batch')
  assert.deepEqual(
    batches.map(({ params }) => params.data.length),
    [1000, 1000, 10],
  )
  const values = batches.flatMap(({ params }) => params.data.map((item: { value: number }) => item.value))
  assert.deepEqual(values, [...new Array(count).keys()])
  const attributes = link.sent.filter(({ commands }) => commands[0]?.command === 'attribute.batch')
  assert.deepEqual(
    attributes.map(({ commands }) => commands[0]?.params.data.length),
    [2, 2, 1],
  )
  for (const { text: sent } of link.sent) assert.ok(sent.length <= limits.maxBatchBytes + 200)
})

test('what a batch does not surely carry goes as a command of its own, in its place; the rest shares one [TR50 3.0]', async t => {
  const { outbox, link } = outboxScene(t, { isUp: false })
  const attribute = (value: string) => ({ key: 'k', value, ts: 'T' })
  const alarm = { key: 'a', state: 1, ts: 'T', corrId: 'c', lat: 1, lng: 2, republish: true }
  const location = { lat: 1, lng: 2, ts: 'T', corrId: 'c' }
  const items = [
    ['telemetry', sample(1)],
    ['telemetry', { ...sample(2), corrId: 'c' }],
    ['telemetry', sample(3)],
    ['attribute', { ...attribute('1'), republish: true }],
    ['attribute', { ...attribute('2'), corrId: 'c' }],
    ['alarm', alarm],
    ['location', location],
  ] as const
  for (const [lane, item] of items) await outbox.put(lane, item)
  link.up()
  assert.equal(await outbox.flush({ timeoutMs: 1000 }), true)
  assert.deepEqual(
    link.commands.map(({ command, params: { thingKey: _, ...params } }) => [command, params.data ?? params]),
    [
      ['alarm.batch', [alarm]],
      ['attribute.batch', [{ ...attribute('1'), republish: true }]],
      ['attribute.publish', { ...attribute('2'), corrId: 'c' }],
      ['location.batch', [location]],
      ['property.batch', [sample(1)]],
      ['property.publish', { ...sample(2), corrId: 'c' }],
      ['property.batch', [sample(3)]],
    ],
  )
})

test('a sample with aggregate goes as property.publish, in its place between its neighbours [H31]', async t => {
  const { outbox, link } = outboxScene(t, { isUp: false })
  await outbox.put('telemetry', sample(1))
  await outbox.put('telemetry', { ...sample(2), aggregate: true })
  await outbox.put('telemetry', sample(3))
  link.up()
  assert.equal(await outbox.flush({ timeoutMs: 1000 }), true)
  assert.deepEqual(
    link.sent.map(({ commands }) => commands.map(({ command, params }) => [command, params])),
    [
      [
        ['property.batch', { thingKey: 'K', data: [sample(1)] }],
        ['property.publish', { thingKey: 'K', ...sample(2), aggregate: true }],
        ['property.batch', { thingKey: 'K', data: [sample(3)] }],
      ],
    ],
  )
})

test('an item that is not for its lane, not JSON, or too large is refused at the door', async t => {
  const { outbox, link } = outboxScene(t)
  await assert.rejects(outbox.put('ack', { command: 'method.exec', params: {} }), { code: 'INVALID_ARGUMENT' })
  await assert.rejects(outbox.put('event', { msg: 1n } as never), { code: 'INVALID_ARGUMENT' })
  await assert.rejects(outbox.put('event', { msg: 'x'.repeat(limits.maxItemBytes) }), { code: 'LIMIT_EXCEEDED' })
  await settle()
  assert.equal(link.sent.length, 0)
  assert.equal(outbox.stats().waiting, 0)
})

test('an item larger than a batch goes alone', async t => {
  const { outbox, link } = outboxScene(t, { isUp: false })
  for (const msg of ['a', 'x'.repeat(limits.maxBatchBytes + 1), 'b']) await outbox.put('event', { msg })
  link.up()
  assert.equal(await outbox.flush({ timeoutMs: 1000 }), true)
  assert.deepEqual(
    link.sent.map(({ commands }) => commands.length),
    [1, 1, 1],
  )
})
