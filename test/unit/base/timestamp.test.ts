// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatTimestamp, parseTimestamp } from '../../../src/base/timestamp.ts'

test('a time is written in UTC with six fractional digits [TR50 2.5]', () => {
  assert.equal(formatTimestamp(Date.UTC(2024, 2, 5, 10, 11, 12) + 0.345), '2024-03-05T10:11:12.000345Z')
  assert.equal(formatTimestamp(Date.UTC(2024, 2, 5, 10, 11, 12, 7)), '2024-03-05T10:11:12.007000Z')
  assert.equal(formatTimestamp(0), '1970-01-01T00:00:00.000000Z')
})

test('a fraction never rounds up into the next millisecond', () => {
  assert.equal(formatTimestamp(1.9999999), '1970-01-01T00:00:00.001999Z')
})

test('times of the cloud are read with Z, offset and any fraction', () => {
  assert.equal(parseTimestamp('2024-03-05T10:11:12Z'), Date.UTC(2024, 2, 5, 10, 11, 12))
  assert.equal(parseTimestamp('2024-03-05T12:11:12.5+02:00'), Date.UTC(2024, 2, 5, 10, 11, 12, 500))
})

test('what is no RFC 3339 time is not guessed', () => {
  for (const text of ['', 'yesterday', '2024-03-05', '2024-03-05 10:11:12', '2024-13-05T10:11:12Z', '5']) {
    assert.equal(parseTimestamp(text), undefined, text)
  }
})
