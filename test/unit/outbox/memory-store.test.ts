// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import test from 'node:test'
import { chooseEviction, droppableBytes } from '../../../src/outbox/eviction.ts'
import { Fifo } from '../../../src/outbox/fifo.ts'
import { type Lane, perLane } from '../../../src/outbox/lanes.ts'
import { MemoryStore } from '../../../src/outbox/memory-store.ts'
import type { LaneSize, StoredItem } from '../../../src/outbox/store.ts'
import { seeded } from '../../helpers/seeded.ts'

const item = (sequence: number, json = '{"key":"p"}'): StoredItem => ({
  sequence,
  epochMs: 1000 + sequence,
  json,
  alone: false,
})
const all = { maxItems: 1000, maxBytes: 1_000_000 }
const sequences = (items: readonly StoredItem[]) => items.map(({ sequence }) => sequence)

test('a queue keeps its order through any mix of push, shift and unshift', () => {
  const fifo = new Fifo<number>()
  const model: number[] = []
  let next = 0
  const random = seeded(42)
  for (let step = 0; step < 20_000; step++) {
    const choice = random(10)
    if (choice < 5) {
      fifo.push(next)
      model.push(next++)
    } else if (choice < 9) assert.equal(fifo.shift(), model.shift())
    else {
      const taken = Array.from({ length: Math.min(random(1500), model.length) }, () => fifo.shift() as number)
      assert.deepEqual(taken, model.slice(0, taken.length))
      fifo.unshift(taken)
    }
    assert.equal(fifo.length, model.length)
    assert.equal(fifo.peek(), model[0])
  }
  while (model.length > 0) assert.equal(fifo.shift(), model.shift())
  assert.equal(fifo.shift(), undefined)
})

test('what is in flight comes back in its old place unless it was acknowledged', () => {
  const store = new MemoryStore()
  for (let sequence = 0; sequence < 6; sequence++) store.append('event', item(sequence))
  const inFlight = store.read('event', { maxItems: 4, maxBytes: 1_000_000 })
  assert.deepEqual(sequences(inFlight), [0, 1, 2, 3])
  store.acknowledge(
    'event',
    inFlight.filter(({ sequence }) => sequence % 2 === 0),
  )
  store.release('event')
  assert.deepEqual(sequences(store.read('event', all)), [1, 3, 4, 5])
})

test('what is in flight is not dropped', () => {
  const store = new MemoryStore()
  for (let sequence = 0; sequence < 3; sequence++) store.append('event', item(sequence))
  store.read('event', { maxItems: 1, maxBytes: 1_000_000 })
  assert.equal(store.dropOldest('event').items, 1)
  assert.equal(store.size('event').oldestDroppable, 2)
  store.release('event')
  assert.deepEqual(sequences(store.read('event', all)), [0, 2])
})

test('bytes and items are counted through every move and end at zero', () => {
  const store = new MemoryStore()
  const each = '{"key":"p"}'.length + store.itemOverheadBytes
  for (let sequence = 0; sequence < 4; sequence++) store.append('event', item(sequence))
  store.append('alarm', item(9))
  assert.deepEqual([store.items, store.bytes], [5, 5 * each])
  const inFlight = store.read('event', { maxItems: 2, maxBytes: 1_000_000 })
  assert.deepEqual(store.size('event'), {
    items: 4,
    bytes: 4 * each,
    droppableBytes: 2 * each,
    oldestDroppable: 2,
    oldestEpochMs: 1000,
  })
  store.acknowledge('event', inFlight)
  store.dropOldest('event')
  assert.deepEqual([store.items, store.bytes], [2, 2 * each])
  store.close()
  assert.deepEqual([store.items, store.bytes, store.size('alarm').items], [0, 0, 0])
})

test('a read is bounded by bytes but has at least one item', () => {
  const store = new MemoryStore()
  for (let sequence = 0; sequence < 3; sequence++) store.append('event', item(sequence, 'x'.repeat(100)))
  assert.equal(store.read('event', { maxItems: 10, maxBytes: 10 }).length, 1)
  store.release('event')
  assert.equal(store.read('event', { maxItems: 10, maxBytes: 250 }).length, 2)
  store.release('event')
  assert.equal(store.read('telemetry', all).length, 0)
})

test('the evicted item is the oldest of the least important class, and never more important than the new item', () => {
  const oldest =
    (of: Partial<Record<Lane, number>>) =>
    (lane: Lane): LaneSize => {
      const sequence = of[lane]
      return sequence === undefined
        ? { items: 0, bytes: 0, droppableBytes: 0 }
        : { items: 1, bytes: 10, droppableBytes: 10, oldestDroppable: sequence }
    }
  const full = oldest(perLane(() => 7))
  assert.equal(chooseEviction('ack', oldest({ telemetry: 9, location: 3, event: 1 })), 'location')
  assert.equal(chooseEviction('ack', oldest({ telemetry: 2, location: 3, event: 1 })), 'telemetry')
  assert.equal(chooseEviction('attribute', oldest({ event: 5, thing: 4, alarm: 1 })), 'thing')
  assert.equal(chooseEviction('telemetry', oldest({ event: 5, alarm: 1, ack: 0 })), undefined)
  assert.equal(chooseEviction('alarm', oldest({ alarm: 5, ack: 0 })), 'alarm')
  assert.equal(chooseEviction('ack', oldest({ ack: 0 })), 'ack')
  assert.equal(droppableBytes('telemetry', full), 20)
  assert.equal(droppableBytes('event', full), 50)
  assert.equal(droppableBytes('ack', full), 70)
})
