// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isJsonObject, type JsonObject, maxJsonDepth, parseCutJson } from '../../../src/base/json.ts'
import { heldNumber } from '../../../src/base/number-text.ts'
import {
  parseCutWrittenJson,
  parseJsonWithOddNumbersAsText,
  parseWrittenJson,
  writtenNumbers,
} from '../../../src/base/written-json.ts'
import { seededChance } from '../../helpers/seeded.ts'

const object = (text: string): JsonObject => {
  const value = parseWrittenJson(text)
  assert.ok(isJsonObject(value))
  return value
}

test('an integer that JavaScript cannot hold, and a number too large for any, is the text that is written', () => {
  const iccid = '89014103211118510720'
  assert.deepEqual(object(`{"iccid":${iccid},"list":[-9007199254740992,{"n" : 1e400 }],"ok":9007199254740991}`), {
    iccid,
    list: ['-9007199254740992', { n: '1e400' }],
    ok: 9007199254740991,
  })
  assert.equal(parseWrittenJson(iccid), iccid)
  assert.deepEqual(object('{"a":1e300,"b":1.50,"c":1e20,"d":-1.5}'), { a: 1e300, b: 1.5, c: 1e20, d: -1.5 })
})

test('how the numbers of an object are written is known beside it, and nothing where nothing is odd', () => {
  const odd = object('{"a":1.50,"b":1.5,"c":-0,"d":1E3,"e":9007199254740993,"f":"1.50","g":1.0,"g":2,"in":{"h":1.10}}')
  assert.deepEqual(writtenNumbers(odd), { a: '1.50', c: '-0', d: '1E3', e: '9007199254740993' })
  assert.deepEqual(writtenNumbers(odd.in as JsonObject), { h: '1.10' })
  assert.equal(odd.g, 2)
  assert.deepEqual(writtenNumbers(object('{"a":10000000000000000000}')), { a: '10000000000000000000' })
  assert.equal(writtenNumbers(object('{"a":1.5}')), undefined)
  assert.equal(writtenNumbers(object('{"a":"2024-03-05T10:11:12.5Z"}')), undefined)
})

test('where each odd number is wanted as text it comes so, and what JavaScript writes the same is a number', () => {
  assert.deepEqual(parseJsonWithOddNumbersAsText('{"a":1.10,"b":1.5,"c":[1.0,2],"d":1e3}'), {
    a: '1.10',
    b: 1.5,
    c: ['1.0', 2],
    d: '1e3',
  })
})

test('any other JSON means what JSON.parse makes of it', () => {
  const random = seededChance(7)
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T
  const space = () => pick(['', '', ' ', '\n\t', '\r'])
  const texts = ['""', '"a"', '"\\""', '"\\\\"', '"[{,:1.50"', '"\\u00e9\\n"', '"é😀"', '"__proto__"', '"\\\\\\""']
  // JSON.parse of Node 26 itself takes a name `"` for `\\` when another object had that one, so names have no single escapes here.
  const names = texts.filter(text => !['"\\""', '"\\\\"', '"\\\\\\""'].includes(text))
  const numbers = ['0', '-1', '1.5', '1.50', '1e3', '-0', '0.1e-7', '123456789012345']
  const json = (depth: number): string => {
    const kind = depth > 5 ? 0 : random()
    const some = () => Array.from({ length: Math.floor(random() * 4) }, () => json(depth + 1))
    if (kind > 0.8) return `[${space()}${some().join(`${space()},${space()}`)}${space()}]`
    if (kind > 0.5) return `{${space()}${some().map(one => `${pick(names)}${space()}:${space()}${one}`)}${space()}}`
    return pick([...texts, ...numbers, 'true', 'false', 'null'])
  }
  for (let round = 0; round < 3_000; round++) {
    const text = `${space()}[1.50,${json(0)}]${space()}`
    assert.deepEqual(parseWrittenJson(text), JSON.parse(text), text)
  }
})

test('names with escapes are read as they are meant', () => {
  const text = '[1.50,{"\\"":1,"\\\\":2,"\\\\\\"":3},{"\\"":4}]'
  assert.deepEqual(parseWrittenJson(text), [1.5, { '"': 1, '\\': 2, '\\"': 3 }, { '"': 4 }])
})

test('it is bounded as any JSON from outside, and what is no JSON is undefined', () => {
  const nested = (depth: number, inner = '1.50') => `${'{"a":'.repeat(depth)}${inner}${'}'.repeat(depth)}`
  assert.notEqual(parseWrittenJson(nested(maxJsonDepth)), undefined)
  assert.equal(parseWrittenJson(nested(maxJsonDepth + 1)), undefined)
  for (const depth of [2, 3, 4, 100_000]) {
    const text = `[1.50,${nested(depth, '["]}",2.50]')},"after"]`
    assert.deepEqual(parseCutWrittenJson(text, 4), parseCutJson(text, 4))
  }
  for (const text of ['', '1.50.', '{"a":1.50', '[1.50,]', '01.50', '1e', '{"a":-}'])
    assert.equal(parseWrittenJson(text), undefined, text)
})

test('the digits of an integer are held to the last one, or not at all; a fraction or an exponent may round', () => {
  const held = ['0', '-0', '007', '9007199254740991', '9007199254740992', '10000000000000000000', `1${'0'.repeat(40)}`]
  for (const text of [...held, '-9007199254740994', '0.1234567890123456789', '1.23456789012345678e30', '1e300'])
    assert.equal(heldNumber(text), Number(text), text)
  const lost = ['9007199254740993', '-9007199254740993', '89014103211118510720', '0009007199254740993', '1e400']
  for (const text of [...lost, '9007199254740993.0', `1${'0'.repeat(40)}1`, `1${'0'.repeat(400)}`, 'x'])
    assert.equal(heldNumber(text), undefined, text)
})
