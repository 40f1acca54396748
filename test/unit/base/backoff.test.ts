// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backoffMs } from '../../../src/base/backoff.ts'

const policy = { firstMs: 1000, maxMs: 300_000 }

test('the wait doubles with every failed try up to the longest', () => {
  const waits = [0, 1, 2, 3, 20].map(attempt => backoffMs(policy, attempt, 1))
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 300_000])
})

test('half of the wait is drawn, so that devices do not march in step', () => {
  assert.equal(backoffMs(policy, 3, 0), 4000)
  assert.equal(backoffMs(policy, 3, 0.5), 6000)
})

test('a device that has tried for years still gets a finite wait', () => {
  assert.equal(backoffMs(policy, 5_000_000, 0), 150_000)
})
