// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import test from 'node:test'
import type { Outbox } from '../../../src/outbox/outbox.ts'
import { settle } from '../../helpers/fake-clock.ts'
import { silent, succeed } from '../../helpers/fake-link.ts'
import { outboxScene, outcomeOf, sample } from '../../helpers/outbox-scene.ts'

/** Bytes that one telemetry sample of one digit takes in memory. */
const sampleBytes = JSON.stringify(sample(1)).length + 128

const fill = (outbox: Outbox, count: number) =>
  Array.from({ length: count }, (_, index) => outcomeOf(outbox.put('telemetry', sample(index))))

test('a full outbox drops the oldest of the same class for a new one, and its receipt says so', async t => {
  const { outbox, link } = outboxScene(t, { isUp: false, maxBytes: 4 * sampleBytes })
  const outcomes = fill(outbox, 6)
  await settle()
  const { dropped, waiting } = outbox.stats().lanes.telemetry
  assert.deepEqual({ dropped, waiting }, { dropped: 2, waiting: 4 })
  link.up()
  assert.deepEqual((await Promise.all(outcomes)).slice(0, 3), ['OUTBOX_FULL', 'OUTBOX_FULL', 'delivered'])
})

test('telemetry goes before events, events before alarms, and a more important item is never dropped for a lesser one', async t => {
  const { outbox } = outboxScene(t, { isUp: false, maxBytes: 4 * sampleBytes + 20 })
  const item = { key: 'a', state: 1, ts: 'TTTT' }
  const telemetry = outcomeOf(outbox.put('telemetry', sample(1)))
  const event = outcomeOf(outbox.put('event', { msg: 'e', ts: 'TTTTTTTTTTTT' }))
  const alarms = [1, 2].map(() => outbox.put('alarm', item))
  await Promise.all(alarms)
  await outbox.put('alarm', item)
  assert.equal(await telemetry, 'OUTBOX_FULL')
  await outbox.put('alarm', item)
  assert.equal(await event, 'OUTBOX_FULL')
  assert.equal(await outcomeOf(outbox.put('telemetry', sample(2))), 'OUTBOX_FULL')
  assert.equal(outbox.stats().lanes.alarm.waiting, 4)
  const ack = outbox.put('ack', { command: 'mailbox.ack', params: { id: 'm', errorCode: 0 } })
  assert.equal((await ack).accepted, true)
  assert.ok(outbox.stats().lanes.alarm.waiting < 4)
})

test('what is on its way is not dropped', async t => {
  const { outbox, link } = outboxScene(t, { cloud: silent, maxBytes: 3 * sampleBytes })
  const first = outcomeOf(outbox.put('telemetry', sample(0)))
  await settle()
  const others = [1, 2, 3, 4].map(value => outcomeOf(outbox.put('telemetry', sample(value))))
  await settle()
  link.cloud = succeed
  link.reply(link.sent[0]?.suffix ?? '', { 1: { success: true } })
  assert.equal(await first, 'delivered')
  assert.deepEqual(await Promise.all(others), ['OUTBOX_FULL', 'OUTBOX_FULL', 'delivered', 'delivered'])
})

test('an item that could only fit by dropping more important ones drops nothing at all', async t => {
  const { outbox } = outboxScene(t, { isUp: false, maxBytes: 4 * sampleBytes })
  await outbox.put('telemetry', sample(1))
  await outbox.put('alarm', { key: 'a', state: 1, ts: 'TTTT' })
  await assert.rejects(outbox.put('telemetry', { ...sample(2), corrId: 'x'.repeat(2.5 * sampleBytes) }), {
    code: 'OUTBOX_FULL',
  })
  assert.equal(outbox.stats().lanes.telemetry.waiting, 1)
})

test('the cloud is told once what was dropped, of which kind and since when, when the link is back', async t => {
  const { outbox, link, clock } = outboxScene(t, { isUp: false, maxBytes: 5 * sampleBytes })
  for (let value = 0; value < 9; value++) await outbox.put('telemetry', sample(value))
  await clock.advance(60_000)
  await outbox.put('location', { lat: 1, lng: 2, ts: 'TTTT' })
  link.up()
  assert.equal(await outbox.flush({ timeoutMs: 1000 }), true)
  await settle()
  const events = link.commands.filter(({ command }) => command === 'log.publish')
  assert.deepEqual(
    events.map(({ params }) => params),
    [
      {
        thingKey: 'K',
        msg: 'The outbox was full: dropped from 2024-03-05T10:11:12.000000Z to 2024-03-05T10:12:12.000000Z: 5 telemetry.',
        ts: '2024-03-05T10:12:12.000000Z',
        level: 1,
      },
    ],
  )
  await clock.advance(120_000)
  assert.equal(link.commands.filter(({ command }) => command === 'log.publish').length, 1)
})

test('an outbox that overflows on and on reports at most once a minute, and forgets no drop', async t => {
  const { outbox, link, clock } = outboxScene(t, { isUp: false, maxBytes: 5 * sampleBytes })
  for (let round = 0; round < 3; round++) {
    link.down()
    for (let value = 0; value < 9; value++) await outbox.put('telemetry', sample(value))
    link.up()
    await settle()
    await settle()
  }
  const reports = () => link.commands.filter(({ command }) => command === 'log.publish').map(({ params }) => params.msg)
  assert.equal(reports().length, 1)
  await clock.advance(60_000)
  const dropped = reports().map(text => Number(/(\d+) telemetry/.exec(text)?.[1]))
  assert.equal(dropped.length, 2)
  assert.equal(
    dropped.reduce((sum, count) => sum + count, 0),
    outbox.stats().lanes.telemetry.dropped,
  )
})

test('a report that fell due without a link goes out when the link is back, even with nothing else to send', async t => {
  const { outbox, link, clock } = outboxScene(t, { isUp: false, maxBytes: 5 * sampleBytes })
  for (let round = 0; round < 2; round++) {
    for (let value = 0; value < 9; value++) await outbox.put('telemetry', sample(value))
    link.up()
    assert.equal(await outbox.flush({ timeoutMs: 1000 }), true)
    await settle()
    link.down()
  }
  await clock.advance(60_000)
  const reports = () => link.commands.filter(({ command }) => command === 'log.publish').length
  assert.equal(reports(), 1)
  link.up()
  await settle()
  assert.equal(reports(), 2)
})

test('an item larger than the whole outbox is refused by its size', async t => {
  const { outbox } = outboxScene(t, { isUp: false, maxBytes: 1000 })
  await assert.rejects(outbox.put('event', { msg: 'x'.repeat(1000) }), { code: 'LIMIT_EXCEEDED' })
})
