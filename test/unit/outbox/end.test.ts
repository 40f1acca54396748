// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import test from 'node:test'
import { settle } from '../../helpers/fake-clock.ts'
import { silent, succeed } from '../../helpers/fake-link.ts'
import { outboxScene, outcomeOf, sample } from '../../helpers/outbox-scene.ts'

test('flush resolves true when all is delivered, and false when time is up first [H5]', async t => {
  const { outbox, link, clock } = outboxScene(t, { cloud: silent })
  assert.equal(await outbox.flush({ timeoutMs: 0 }), true, 'nothing waits')
  await outbox.put('telemetry', sample(1))
  const short = outbox.flush({ timeoutMs: 500 })
  const long = outbox.flush({ timeoutMs: 5000 })
  await clock.advance(500)
  assert.equal(await short, false)
  link.reply(link.sent[0]?.suffix ?? '', { 1: { success: true } })
  assert.equal(await long, true)
})

test('flush can be aborted', async t => {
  const { outbox } = outboxScene(t, { isUp: false })
  await outbox.put('telemetry', sample(1))
  const controller = new AbortController()
  const flushed = outbox.flush({ timeoutMs: 5000, signal: controller.signal })
  controller.abort()
  await assert.rejects(flushed, { code: 'ABORTED' })
})

test('close rejects the receipts of what remains, on its way or not, and later puts', async t => {
  const { outbox, link } = outboxScene(t, { cloud: silent })
  const flying = outcomeOf(outbox.put('telemetry', sample(1)))
  await settle()
  const waiting = outcomeOf(outbox.put('telemetry', sample(2)))
  const flushed = outbox.flush({ timeoutMs: 60_000 })
  await settle()
  const closed = outbox.close()
  assert.equal(outbox.close(), closed, 'closing twice is closing once')
  await closed
  assert.deepEqual(await Promise.all([flying, waiting]), ['CLOSED', 'CLOSED'])
  await flushed
  await assert.rejects(outbox.put('event', { msg: 'late' }), { code: 'CLOSED' })
  link.down()
  link.up()
  await settle()
  assert.equal(link.sent.length, 1)
})

test('a wait for delivery may end before delivery: by its time or by the caller, and the item stays', async t => {
  const { outbox, link, clock } = outboxScene(t, { isUp: false })
  const receipt = await outbox.put('telemetry', sample(1))
  const short = assert.rejects(receipt.delivered({ timeoutMs: 100 }), { code: 'TIMEOUT' })
  await clock.advance(100)
  await short
  await assert.rejects(receipt.delivered({ signal: AbortSignal.abort() }), { code: 'ABORTED' })
  link.cloud = succeed
  const long = receipt.delivered({ timeoutMs: 60_000 })
  link.up()
  await long
  assert.equal(clock.timers, 0)
  await receipt.delivered({ timeoutMs: 1 })
})

test('stats tell what waits, since when, and how far the backlog has got', async t => {
  const { outbox, link, clock } = outboxScene(t, { isUp: false })
  const startMs = clock.now()
  for (let value = 0; value < 1500; value++) await outbox.put('telemetry', sample(value))
  await clock.advance(5000)
  assert.equal(outbox.stats().lanes.telemetry.oldestEpochMs, startMs)
  assert.equal(outbox.stats().drain, undefined)
  link.cloud = message => (link.sent.length < 2 ? succeed(message) : undefined)
  link.up()
  await settle()
  assert.deepEqual(outbox.stats().drain, { sinceEpochMs: startMs + 5000, backlog: 1500, done: 1000 })
  const { waiting, bytes } = outbox.stats()
  assert.equal(waiting, 500)
  assert.ok(bytes > 500 * 128)
  link.reply(link.sent[1]?.suffix ?? '', { 1: { success: true } })
  await settle()
  const end = outbox.stats()
  assert.deepEqual([end.waiting, end.bytes, end.drain], [0, 0, undefined])
})
