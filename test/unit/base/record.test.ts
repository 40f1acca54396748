// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frameRecord, maxRecordBytes, recordOverheadBytes, scanRecords } from '../../../src/base/record.ts'

const texts = ['first', '', '{"key":"temp","value":21.5}', 'x'.repeat(300), 'last']
const file = Buffer.concat(texts.map(text => frameRecord(Buffer.from(text))))
/** Where each record ends. */
const ends = texts.map((_, at) =>
  texts.slice(0, at + 1).reduce((sum, text) => sum + text.length + recordOverheadBytes, 0),
)

function read(bytes: Uint8Array, options?: { more: boolean }) {
  const found: string[] = []
  const result = scanRecords(bytes, record => void found.push(Buffer.from(record.body).toString()), options)
  return { found, ...result }
}

test('what was written is read, in order', () => {
  assert.deepEqual(read(file), { found: texts, end: file.length, damagedBytes: 0 })
})

test('a file cut at any byte gives every record that is whole, and nothing else', () => {
  for (let cut = 0; cut <= file.length; cut++) {
    const whole = texts.filter((_, at) => (ends[at] as number) <= cut)
    assert.deepEqual(read(file.subarray(0, cut)).found, whole, `cut at ${cut}`)
  }
})

test('any flipped bit costs the record that it hit and no other', () => {
  for (let byte = 0; byte < file.length; byte++) {
    for (let bit = 0; bit < 8; bit++) {
      const rotten = Buffer.from(file)
      rotten[byte] = (rotten[byte] as number) ^ (1 << bit)
      const hit = ends.findIndex(end => byte < end)
      assert.deepEqual(
        read(rotten).found,
        texts.filter((_, at) => at !== hit),
        `bit ${bit} of byte ${byte}`,
      )
    }
  }
})

test('a record that is still to come is left for the next piece of the file', () => {
  for (let cut = 0; cut < file.length; cut++) {
    const first = read(file.subarray(0, cut), { more: true })
    assert.equal(first.damagedBytes, 0)
    const second = read(file.subarray(first.end))
    assert.deepEqual([...first.found, ...second.found], texts, `cut at ${cut}`)
  }
})

test('a length beyond the limit is damage and is not waited for', () => {
  const lying = Buffer.concat([frameRecord(Buffer.from('x')), file])
  lying.writeUInt32LE(maxRecordBytes + 1, 6)
  assert.deepEqual(read(lying, { more: true }).found, texts)
})

test('rubbish before, between and behind is passed over and counted', () => {
  const rubbish = Buffer.from([0xfe, 0xfe, 0xed, 1, 2, 3])
  const result = read(Buffer.concat([rubbish, file, rubbish, frameRecord(Buffer.from('z')), rubbish]))
  assert.deepEqual(result.found, [...texts, 'z'])
  assert.equal(result.damagedBytes, 3 * rubbish.length)
})

test('a file of marks that each promise a long record is passed over in a bounded time, and what is before them is found', () => {
  const good = frameRecord(Buffer.from('{"good":true}'))
  const bytes = new Uint8Array(8 * 1024 * 1024)
  bytes.set(good)
  const view = new DataView(bytes.buffer)
  for (let at = good.length; at + recordOverheadBytes < bytes.length; at += recordOverheadBytes) {
    bytes.set([0xfe, 0xed], at)
    view.setUint32(at + 6, bytes.length - at - recordOverheadBytes, true)
  }
  const found: string[] = []
  const { end, damagedBytes } = scanRecords(bytes, ({ body }) => {
    found.push(Buffer.from(body).toString())
    return undefined
  })
  assert.deepEqual(found, ['{"good":true}'])
  assert.equal(end, bytes.length)
  assert.equal(damagedBytes, bytes.length - good.length)
})
