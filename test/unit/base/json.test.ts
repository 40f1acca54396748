import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseJson, toAsciiJson } from '../../../src/base/json.ts'

test('what is beyond ASCII is escaped, also beyond the first plane', () => {
  assert.equal(toAsciiJson({ a: 'é\u007f😀' }), '{"a":"\\u00e9\\u007f\\ud83d\\ude00"}')
  assert.deepEqual(parseJson(toAsciiJson({ a: 'é😀' })), { a: 'é😀' })
})

test('what is not JSON is undefined, not an exception', () => {
  for (const text of ['', '{', 'NaN', "{'a':1}", '[1,]']) assert.equal(parseJson(text), undefined)
})
