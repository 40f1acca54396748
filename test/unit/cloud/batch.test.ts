// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyBatch } from '../../../src/cloud/requests/batch.ts'
import { badParameter, CommandFailure } from '../../../src/cloud/values/failure.ts'
import type { JsonObject } from '../../../src/cloud/values/json.ts'
import { requiredText } from '../../../src/cloud/values/params.ts'

function applied(params: JsonObject, defaults: readonly string[]): JsonObject[] {
  const seen: JsonObject[] = []
  applyBatch(params, defaults, item => seen.push(item))
  return seen
}

test('fields that an item lacks come from the top level, and a null counts as missing', () => {
  const params = {
    key: 'all',
    msg: 'm',
    value: 'junk',
    data: [{ key: null, ts: '2024-03-05T10:11:12Z' }, { key: 'own' }],
  }
  const [first, second] = applied(params, ['key', 'msg'])
  assert.deepEqual(first, { key: 'all', msg: 'm', ts: '2024-03-05T10:11:12Z' })
  assert.deepEqual(second, { key: 'own', msg: 'm' })
})

test('items are applied in the order of their timestamps', () => {
  const data = [3, 1, 2].map(second => ({ key: String(second), ts: `2024-03-05T10:11:0${second}.5Z` }))
  assert.deepEqual(
    applied({ data }, []).map(item => item.key),
    ['1', '2', '3'],
  )
})

test('items of one moment keep the order in which they came', () => {
  const data = ['b', 'a', 'c'].map(key => ({ key, ts: '2024-03-05T10:11:12Z' }))
  assert.deepEqual(
    applied({ data }, []).map(item => item.key),
    ['b', 'a', 'c'],
  )
})

test('the first error ends the batch, and names its item', () => {
  const seen: unknown[] = []
  const data = [{ key: 'a' }, { key: 'bad' }, { key: 'c' }]
  const run = () =>
    applyBatch({ data }, [], item => {
      if (item.key === 'bad') throw badParameter('value is missing')
      seen.push(item.key)
    })
  assert.throws(run, (error: unknown) => {
    assert.ok(error instanceof CommandFailure)
    assert.deepEqual(error.errorMessages, ['data[1]: value is missing'])
    return true
  })
  assert.deepEqual(seen, ['a'])
})

test('an invalid timestamp is an error of its item, after the items before it', () => {
  const seen: string[] = []
  const data = [{ key: 'a' }, { key: 'b', ts: 'yesterday' }]
  const run = () => applyBatch({ data }, [], item => seen.push(requiredText(item, 'key')))
  assert.throws(run, /data\[1\]: ts "yesterday"/)
  assert.deepEqual(seen, ['a'])
})

test('data that is not an array of objects is refused', () => {
  assert.throws(() => applied({ data: 'x' }, []), /data must be an array/)
  assert.throws(() => applied({ data: [1] }, []), /data\[0\]: must be an object\./)
})
