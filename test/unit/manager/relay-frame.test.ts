// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dataMessage, disconnectMessage, type Framing, readFrame } from '../../../src/manager/relay/frame.ts'
import { seeded } from '../../helpers/seeded.ts'

const none = () => false
const all = () => true
const text = (content: string) => Buffer.from(content)
const marked = (index: number, mark: string) => Buffer.concat([Buffer.of(index), Buffer.from(mark)])

test('a marker counts as a whole message, as text and as binary [TR50 6.5 rule 1] [TR50 6.5 rule 2]', () => {
  for (const isBinary of [true, false]) {
    assert.deepEqual(readFrame(text('CONNECTED-129812'), isBinary, 'none', none), { kind: 'start' })
    assert.deepEqual(readFrame(text('\u0005CONNECTED-581273'), isBinary, 'none', none), { kind: 'connect', index: 5 })
    assert.deepEqual(readFrame(text('\u0005CONNECTED-581273'), isBinary, 'multi', none), { kind: 'connect', index: 5 })
    const isFive = (index: number) => index === 5
    assert.deepEqual(readFrame(text('\u0005DISCONNECTED-581273'), isBinary, 'multi', isFive), {
      kind: 'disconnect',
      index: 5,
    })
  }
})

test('an index from 128 is one byte in a binary message and two in a text [TR50 6.3] [R16]', () => {
  for (const index of [128, 200, 255]) {
    const connect = { kind: 'connect', index }
    assert.deepEqual(readFrame(marked(index, 'CONNECTED-581273'), true, 'multi', none), connect)
    assert.deepEqual(readFrame(text(`${String.fromCharCode(index)}CONNECTED-581273`), false, 'multi', none), connect)
    assert.equal(disconnectMessage(index), `${String.fromCharCode(index)}DISCONNECTED-581273`)
  }
})

test('a marker inside data is data [R6]', () => {
  const paste = 'echo xCONNECTED-581273; echo DISCONNECTED-581273 CONNECTED-129812'
  for (const isBinary of [true, false]) {
    const frame = readFrame(text(`\u0001${paste}`), isBinary, 'multi', all)
    assert.deepEqual(frame, { kind: 'data', index: 1, bytes: text(paste) })
    assert.deepEqual(readFrame(text(paste), isBinary, 'single', all), { kind: 'data', index: 0, bytes: text(paste) })
  }
  // Off by one byte at either end.
  for (const near of ['CONNECTED-58127', 'CONNECTED-5812733', ' CONNECTED-581273', 'connected-581273', '']) {
    const frame = readFrame(text(`\u0001${near}`), false, 'multi', none)
    assert.deepEqual(frame, { kind: 'data', index: 1, bytes: text(near) })
  }
})

test('binary data that is exactly a marker is data when the marker would make no sense [TR50 6.5 rule 1]', () => {
  const kind = (message: Buffer, framing: Framing, open: () => boolean) => readFrame(message, true, framing, open).kind
  assert.equal(kind(marked(1, 'CONNECTED-581273'), 'multi', all), 'data')
  assert.equal(kind(marked(1, 'DISCONNECTED-581273'), 'multi', none), 'data')
  assert.equal(kind(text('CONNECTED-129812'), 'single', all), 'data')
  assert.equal(kind(marked(0, 'CONNECTED-581273'), 'single', all), 'data')
  assert.equal(kind(text('CONNECTED-129812'), 'multi', none), 'data')
  // A text says it on purpose: the cloud's client has come anew [TR50 6.5 rule 8].
  assert.equal(readFrame(marked(1, 'CONNECTED-581273'), false, 'multi', all).kind, 'connect')
})

test('data before the first connect, and messages without an index, are for nobody', () => {
  assert.equal(readFrame(text('hello'), true, 'none', none).kind, 'stray')
  assert.equal(readFrame(text('\u0001DISCONNECTED-581273'), false, 'none', none).kind, 'stray')
  assert.equal(readFrame(Buffer.alloc(0), true, 'multi', all).kind, 'stray')
  assert.equal(readFrame(text('€100'), false, 'multi', all).kind, 'stray')
})

test('data goes out with its index in the multi-channel form only', () => {
  assert.deepEqual(dataMessage(7, text('ab')), Buffer.from([7, 97, 98]))
  assert.deepEqual(dataMessage(undefined, text('ab')), text('ab'))
})

test('any message is read without an error, and as data byte for byte (20,000 seeded messages)', () => {
  const next = seeded(20_231_122)
  const pieces = ['CONNECTED-129812', 'CONNECTED-581273', 'DISCONNECTED-581273', '\u0000', 'é', '€', 'x']
  for (let round = 0; round < 20_000; round++) {
    const parts = Array.from({ length: next(4) }, () =>
      next(2) === 0 ? text(pieces[next(pieces.length)] ?? '') : Buffer.from([next(256), next(256)]),
    )
    const message = Buffer.concat(parts)
    const framing = (['none', 'single', 'multi'] as const)[next(3)] ?? 'none'
    const open = next(2) === 0
    const frame = readFrame(message, next(2) === 0, framing, () => open)
    if (frame.kind === 'data') {
      assert.notEqual(framing, 'none')
      const isWhole = frame.bytes.equals(message.subarray(message.length - frame.bytes.length))
      assert.ok(isWhole && message.length - frame.bytes.length <= (framing === 'multi' ? 2 : 0))
    }
    if (frame.kind === 'start') assert.equal(message.length, 16)
    if (frame.kind === 'connect') assert.ok(message.length === 17 || message.length === 18)
    if (frame.kind === 'disconnect') assert.ok(message.length === 20 || message.length === 21)
    if ('index' in frame) assert.ok(frame.index >= 0 && frame.index <= 255)
  }
})
