// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { crc32, slicingCrc32 } from '../../../src/base/crc32.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

test('the check value of CRC-32 comes out', () => {
  assert.equal(crc32(bytes('123456789')), 0xcbf43926)
  assert.equal(slicingCrc32(bytes('123456789')), 0xcbf43926)
})

test('the sum of "hello" is the one that the Python agent sends [TR50 appendix A]', () => {
  assert.equal(slicingCrc32(bytes('hello')), 907060870)
})

test('nothing has the sum 0', () => {
  assert.equal(crc32(new Uint8Array(0)), 0)
  assert.equal(slicingCrc32(new Uint8Array(0)), 0)
})

test('a stream cut anywhere has the sum of the whole, with both implementations', () => {
  const data = randomBytes(1037)
  const whole = crc32(data)
  for (let cut = 0; cut <= data.length; cut += 13) {
    assert.equal(slicingCrc32(data.subarray(cut), slicingCrc32(data.subarray(0, cut))), whole)
    assert.equal(crc32(data.subarray(cut), crc32(data.subarray(0, cut))), whole)
  }
})
