// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import test from 'node:test'
import { settle } from '../../helpers/fake-clock.ts'
import { succeed } from '../../helpers/fake-link.ts'
import { outboxScene, outcomeOf, sample } from '../../helpers/outbox-scene.ts'
import { SlowStore } from '../../helpers/slow-store.ts'

const bytesOf = (value: number) => JSON.stringify(sample(value)).length + 128

test('over a store that takes its time order is kept and all arrives', async t => {
  const { outbox, link } = outboxScene(t, { store: new SlowStore() })
  const outcomes = Array.from({ length: 50 }, (_, value) => outcomeOf(outbox.put('telemetry', sample(value))))
  assert.deepEqual(new Set(await Promise.all(outcomes)), new Set(['delivered']))
  const values = link.commands.flatMap(({ params }) => params.data.map((item: { value: number }) => item.value))
  assert.deepEqual(values, [...new Array(50).keys()])
})

test('puts that wait for room in a slow store do not overtake each other', async t => {
  const { outbox, link } = outboxScene(t, { store: new SlowStore(), isUp: false, maxBytes: 3 * bytesOf(1) })
  for (let value = 0; value < 3; value++) await outbox.put('telemetry', sample(value))
  const outcomes = [3, 4, 5].map(value => outcomeOf(outbox.put('telemetry', sample(value))))
  for (let turn = 0; turn < 10; turn++) await settle()
  link.up()
  assert.deepEqual(await Promise.all(outcomes), ['delivered', 'delivered', 'delivered'])
  assert.deepEqual(
    link.commands.flatMap(({ command, params }) => (command === 'property.batch' ? params.data : [])),
    [sample(3), sample(4), sample(5)],
  )
  assert.equal(outbox.stats().lanes.telemetry.dropped, 3)
})

test('a store that fails while reading or acknowledging delays delivery and loses nothing', async t => {
  const store = new SlowStore()
  const { outbox, link, clock, logText } = outboxScene(t, { store, isUp: false })
  const outcome = outcomeOf(outbox.put('telemetry', sample(1)))
  for (let turn = 0; turn < 3; turn++) await settle()
  store.failOnce = new Error('EIO')
  link.up()
  for (let turn = 0; turn < 3; turn++) await settle()
  assert.match(logText(), /cannot use its store.*EIO/)
  assert.equal(outbox.stats().waiting, 1)
  await clock.advance(1000)
  assert.equal(await outcome, 'delivered')
  link.cloud = message => {
    store.failOnce = new Error('EIO')
    link.cloud = succeed
    return succeed(message)
  }
  const second = outcomeOf(outbox.put('telemetry', sample(2)))
  for (let turn = 0; turn < 5; turn++) await settle()
  await clock.advance(1000)
  for (let turn = 0; turn < 5; turn++) await settle()
  assert.equal(await second, 'delivered')
})

test('a put that the store cannot keep is told so', async t => {
  const store = new SlowStore()
  const { outbox } = outboxScene(t, { store, isUp: false })
  store.failOnce = new Error('ENOSPC')
  await assert.rejects(outbox.put('telemetry', sample(1)), /ENOSPC/)
})

test('a large item that waits for room is not overtaken by a small one behind it', async t => {
  const { outbox, link } = outboxScene(t, { store: new SlowStore(), isUp: false, maxBytes: 4 * bytesOf(1) })
  for (let value = 0; value < 4; value++) await outbox.put('telemetry', sample(value))
  const large = { ...sample(4), key: 'x'.repeat(1.5 * bytesOf(1)) }
  const outcomes = [outcomeOf(outbox.put('telemetry', large)), outcomeOf(outbox.put('telemetry', sample(5)))]
  for (let turn = 0; turn < 10; turn++) await settle()
  link.up()
  assert.deepEqual(await Promise.all(outcomes), ['delivered', 'delivered'])
  const sent = link.commands.flatMap(({ command, params }) => (command === 'property.batch' ? params.data : []))
  assert.deepEqual(
    sent.map((item: { value: number }) => item.value),
    [4, 5],
  )
})

test('close waits until no lane uses the store any more', async t => {
  const store = new SlowStore()
  const { outbox } = outboxScene(t, { store })
  const outcome = outcomeOf(outbox.put('telemetry', sample(1)))
  await settle()
  await outbox.close()
  await settle()
  assert.match(await outcome, /CLOSED|delivered/)
  const silentStore = new SlowStore()
  const other = outboxScene(t, { store: silentStore, cloud: () => undefined })
  const flying = outcomeOf(other.outbox.put('telemetry', sample(1)))
  for (let turn = 0; turn < 4; turn++) await settle()
  assert.equal(other.link.sent.length, 1)
  await other.outbox.close()
  await settle()
  assert.equal(await flying, 'CLOSED')
  assert.deepEqual([store.callsAfterClose, silentStore.callsAfterClose], [0, 0])
})
