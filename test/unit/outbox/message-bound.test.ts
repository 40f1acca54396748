// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import test from 'node:test'
import { MessageBound } from '../../../src/outbox/message-bound.ts'
import { limits } from '../../../src/protocol/limits.ts'
import { settle } from '../../helpers/fake-clock.ts'
import { succeed } from '../../helpers/fake-link.ts'
import { outboxScene, outcomeOf, sample } from '../../helpers/outbox-scene.ts'

test('one link that ends bounds nothing, two do, and a message as large that passes lifts the bound', () => {
  const bound = new MessageBound()
  bound.ended(60_000, 0)
  assert.equal(bound.maxBytes(0), limits.maxBatchBytes)
  bound.ended(30_000, 0)
  assert.equal(bound.maxBytes(0), 15_000)
  bound.passed(15_000)
  assert.equal(bound.maxBytes(0), 15_000)
  bound.passed(30_000)
  assert.equal(bound.maxBytes(0), limits.maxBatchBytes)
})

test('a poor link bounds nothing: what is no larger than a message that has passed is to blame only after several ends', () => {
  const bound = new MessageBound()
  bound.passed(50_000)
  for (let round = 0; round < 20; round++) {
    bound.ended(20_000, 0)
    bound.ended(40_000, 0)
    bound.passed(40_000)
  }
  assert.equal(bound.maxBytes(0), limits.maxBatchBytes)
  for (let end = 0; end < 5; end++) bound.ended(40_000, 0)
  assert.equal(bound.maxBytes(0), 20_000, 'a limit that was lowered is found')
  for (let end = 0; end < 5; end++) bound.ended(100, 0)
  assert.equal(bound.maxBytes(0), 4096, 'no broker takes less')
})

test('after an hour a larger message is tried again, and its end is enough then', () => {
  const bound = new MessageBound()
  bound.ended(60_000, 0)
  bound.ended(60_000, 0)
  assert.equal(bound.maxBytes(3_600_000), 30_000)
  assert.equal(bound.maxBytes(3_600_001), limits.maxBatchBytes)
  bound.ended(60_000, 3_600_002)
  assert.equal(bound.maxBytes(3_600_002), 30_000)
})

test('a broker whose limit is below our batches ends the link a few times, and then gets batches that it takes', async t => {
  const { outbox, link, clock } = outboxScene(t, { isUp: false })
  let ends = 0
  link.cloud = message => {
    if (message.text.length <= 20_000) return succeed(message)
    ends++
    setImmediate(() => link.isUp && link.down())
    return undefined
  }
  const outcomes = Array.from({ length: 5000 }, (_, value) => outcomeOf(outbox.put('telemetry', sample(value))))
  for (let session = 0; session < 30 && outbox.stats().waiting > 0; session++) {
    if (!link.isUp) link.up()
    await clock.advance(5000)
    for (let turn = 0; turn < 200 && link.isUp; turn++) await settle()
  }
  assert.deepEqual(new Set(await Promise.all(outcomes)), new Set(['delivered']))
  assert.ok(ends <= 5, `${ends} links ended`)
})
