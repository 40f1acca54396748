// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  isDeeperThan,
  jsonProblem,
  maxJsonDepth,
  parseCutJson,
  parseJson,
  toAsciiJson,
} from '../../../src/base/json.ts'

const lists = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
const objects = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`

test('what is beyond ASCII is escaped, also beyond the first plane', () => {
  assert.equal(toAsciiJson({ a: 'é\u007f😀' }), '{"a":"\\u00e9\\u007f\\ud83d\\ude00"}')
  assert.deepEqual(parseJson(toAsciiJson({ a: 'é😀' })), { a: 'é😀' })
})

test('what is not JSON is undefined, not an exception', () => {
  for (const text of ['', '{', 'NaN', "{'a':1}", '[1,]']) assert.equal(parseJson(text), undefined)
})

test('lists and objects are read to the bound and no deeper, and what was wrong is told', () => {
  for (const nested of [lists, objects]) {
    assert.notEqual(parseJson(nested(maxJsonDepth)), undefined)
    for (const depth of [maxJsonDepth + 1, 100_000, 1_000_000]) {
      assert.equal(parseJson(nested(depth)), undefined)
      assert.equal(jsonProblem(nested(depth)), 'nested deeper than 64 levels')
    }
  }
  assert.equal(jsonProblem('{'), 'not JSON')
})

test('brackets in texts are no levels, and an escaped quote does not end a text', () => {
  const text = JSON.stringify({ [`"${'['.repeat(100)}`]: `\\"${'{'.repeat(100)}\\\\`, b: '"'.repeat(99) })
  assert.deepEqual(parseJson(text), JSON.parse(text))
  assert.equal(parseJson(`["\\\\",${lists(maxJsonDepth)}]`), undefined)
})

test('a wide value has the depth of its deepest part, however many parts it has', () => {
  const wide = JSON.stringify(Array.from({ length: 10_000 }, () => ({ a: [1] })))
  assert.equal(isDeeperThan(parseJson(wide) ?? null, 3), false)
  assert.equal(isDeeperThan(parseJson(wide) ?? null, 2), true)
  assert.equal(isDeeperThan(JSON.parse(objects(100_000)), maxJsonDepth), true)
  assert.equal(isDeeperThan('[[[', 0), false)
})

test('a part that is too deep is cut and the parts beside it are whole', () => {
  assert.deepEqual(parseCutJson('[{"a":{"b":[1]},"c":2},[3]]', 3), [{ a: { b: null }, c: 2 }, [3]])
  assert.deepEqual(parseCutJson('{"__proto__":{"a":{}}}', 2), JSON.parse('{"__proto__":{"a":null}}'))
  const [deep, flat] = parseCutJson(`[${lists(100_000)},{"good":true}]`, maxJsonDepth) as [never, unknown]
  assert.deepEqual(flat, { good: true })
  assert.equal(isDeeperThan(deep, maxJsonDepth - 1), false)
  assert.equal(isDeeperThan(deep, maxJsonDepth - 2), true)
  assert.equal(parseCutJson('[', 3), undefined)
})
