// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { byClosedPort, byTransfer, releaseMemory } from '../../../src/base/release-memory.ts'

const ways = { byClosedPort, ...('transfer' in ArrayBuffer.prototype ? { byTransfer } : {}) }

for (const [name, way] of Object.entries(ways)) {
  test(`${name}: what was used up is empty, and its memory is back before any collector comes`, () => {
    const beforeBytes = process.memoryUsage().arrayBuffers
    let maxBytes = 0
    for (let round = 0; round < 200; round++) {
      const piece = Buffer.allocUnsafeSlow(1024 * 1024)
      releaseMemory(piece, way)
      assert.equal(piece.length, 0)
      maxBytes = Math.max(maxBytes, process.memoryUsage().arrayBuffers - beforeBytes)
    }
    assert.ok(maxBytes < 4 * 1024 * 1024, `${maxBytes} bytes of 200 MB were held`)
  })
}

test('a piece that shares its memory stays as it is', () => {
  const whole = Buffer.allocUnsafeSlow(20_000).fill(7)
  releaseMemory(whole.subarray(0, 10_000))
  releaseMemory(whole.subarray(10_000))
  assert.deepEqual(whole, Buffer.alloc(20_000, 7))
  const pooled = Buffer.from('of the pool')
  releaseMemory(pooled)
  assert.equal(pooled.toString(), 'of the pool')
})
