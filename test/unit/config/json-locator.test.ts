// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseJson } from '../../../src/base/json.ts'
import { locateJson } from '../../../src/config/json-locator.ts'
import { seeded } from '../../helpers/seeded.ts'

test('tells the line and column of every key, also in lists', () => {
  const located = locateJson('{\n  "cloud": { "host": "x",\n    "port": 1 },\n "list": [ 1,\n {"a": null} ] }')
  assert.ok(located.ok)
  assert.deepEqual(located.positions.get('cloud'), { line: 2, column: 3 })
  assert.deepEqual(located.positions.get('cloud.host'), { line: 2, column: 14 })
  assert.deepEqual(located.positions.get('cloud.port'), { line: 3, column: 5 })
  assert.deepEqual(located.positions.get('list.1'), { line: 5, column: 2 })
  assert.deepEqual(located.positions.get('list.1.a'), { line: 5, column: 3 })
  assert.deepEqual(located.value, { cloud: { host: 'x', port: 1 }, list: [1, { a: null }] })
})

const broken: readonly (readonly [string, string, number, number, RegExp])[] = [
  ['a comma before the end', '{\n "a": 1,\n}', 2, 8, /comma too many/],
  ['a missing comma', '{\n "a": 1\n "b": 2\n}', 3, 2, /misses a comma/],
  ['a missing quote', '{\n "a": "x\n}', 2, 7, /does not end in its line/],
  ['a single quote', "{\n 'a': 1\n}", 2, 2, /no key/],
  ['a bare word', '{\n "a": yes\n}', 2, 7, /no value/],
  ['a Python True', '{"a": True}', 1, 7, /no value/],
  ['a leading zero', '{"a": 01}', 1, 8, /not JSON/],
  ['a comment', '{\n // no\n "a": 1 }', 2, 2, /comment/],
  ['a missing colon', '{"a" 1}', 1, 6, /misses a colon/],
  ['an unknown escape', '{"a": "C:\\data"}', 1, 10, /escape/],
  ['an early end', '{"a": {"b": 1}', 1, 15, /ends too early/],
  ['an empty file', '', 1, 1, /is empty/],
  ['something after the end', '{} {}', 1, 4, /after its end/],
  ['a list instead of an object', '[1]', 1, 1, /not an object/],
]
for (const [what, text, line, column, problem] of broken) {
  test(`points at ${what}`, () => {
    const located = locateJson(text)
    assert.ok(!located.ok)
    assert.match(located.problem, problem)
    assert.deepEqual(located.position, { line, column })
  })
}

test('refuses nesting that would exhaust the stack', () => {
  const located = locateJson(`{"a":${'['.repeat(100_000)}`)
  assert.ok(!located.ok)
  assert.match(located.problem, /nested too deeply/)
})

test('accepts exactly what JSON.parse accepts', () => {
  const seeds = ['{"a":[1,-2.5e3,true,null,"x\\u00e9\\n"],"b":{"c":""},"d":[]}', '{ "k" : 0 , "l" : [ { } ] }']
  const random = seeded(12_345)
  const letters = '{}[]",:\\ 019.-+eEtrufalsn\n/\u0001'
  for (let round = 0; round < 20_000; round++) {
    const seed = seeds[round % seeds.length] ?? ''
    const at = random(seed.length)
    const letter = letters[random(letters.length)] ?? ''
    const text = [seed.slice(0, at) + seed.slice(at + 1), seed.slice(0, at) + letter + seed.slice(at + random(2))][
      round % 2
    ] as string
    const parsed = parseJson(text)
    const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
    assert.equal(locateJson(text).ok, isObject, JSON.stringify(text))
  }
})

test('names keys that stand there twice, and lets the last one count', () => {
  const located = locateJson('{"a": {"b": 1, "b": 2, "c": [1, 2], "c": [ 1,2 ]}, "a.b": 3}')
  assert.ok(located.ok)
  assert.deepEqual(located.repeated, [
    { path: 'a.b', differs: true },
    { path: 'a.c', differs: false },
  ])
  assert.deepEqual(located.value, { a: { b: 2, c: [1, 2] }, 'a.b': 3 })
})

test('a file of nothing but keys, or of keys as long as the file, takes time in proportion to its length', () => {
  const keys = (count: number) =>
    `{${Array.from({ length: count }, (_, index) => `"k${String(index).padStart(5, '0')}":1`).join(',\n')}}`
  const long = (length: number) => `{"${'x'.repeat(length)}":[${'1,'.repeat(length / 2)}1]}`
  const located = locateJson(keys(90_000))
  assert.ok(located.ok)
  assert.deepEqual(located.positions.get('k89999'), { line: 90_000, column: 1 })
  for (const [name, text, size] of [
    ['keys', keys, 20_000],
    ['long', long, 100_000],
  ] as const) {
    const [little, much] = [cpuMsOf(text(size)), cpuMsOf(text(4 * size))]
    // In proportion it is four times, and sixteen when each part looks at all others.
    assert.ok(much < 10 * Math.max(little, 5), `${name}: ${little} ms, and ${much} ms for four times the length`)
  }
})

/** Processor time of this process, which other processes do not lengthen: the shortest of three. */
function cpuMsOf(text: string): number {
  const times = [1, 2, 3].map(() => {
    const before = process.cpuUsage()
    assert.ok(locateJson(text).ok)
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000
  })
  return Math.min(...times)
}
