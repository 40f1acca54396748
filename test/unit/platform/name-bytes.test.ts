// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isText, nameOf, oneText, pathBytes, rawBytes, shownName } from '../../../src/platform/files/name-bytes.ts'
import { seeded } from '../../helpers/seeded.ts'

test('every name leads back to its bytes, and those that are UTF-8 are the text that they are', () => {
  const dice = seeded(20)
  for (let round = 0; round < 5000; round++) {
    const bytes = Buffer.from(Array.from({ length: 1 + dice(12) }, () => dice(256)))
    const name = nameOf(bytes)
    assert.deepEqual(rawBytes(name), bytes, bytes.toString('hex'))
    assert.deepEqual(Buffer.from(pathBytes(name)), bytes, bytes.toString('hex'))
    assert.equal(isText(name), bytes.equals(Buffer.from(bytes.toString())), bytes.toString('hex'))
  }
  for (const text of ['plain', 'é', '😀', '\ufeffmark', 'a\ufffd', '', 'line\nend']) {
    assert.equal(nameOf(Buffer.from(text)), text)
    assert.equal(pathBytes(text), text)
  }
})

test('no text from outside stands for a slash, a point or a NUL in disguise', () => {
  for (const name of ['\udc2f', '\udc2e\udc2e', '\udc00', '\ud800'])
    assert.deepEqual(rawBytes(name), Buffer.from('\ufffd'.repeat(name.length)), JSON.stringify(name))
})

test('a file has one text, however its bytes are given', () => {
  assert.equal(oneText('/data/\udcc3\udca9/\udcf0\udc9f\udc98\udc80'), '/data/é/😀')
  assert.equal(oneText('/data/\udce9t\ud800'), '/data/\udce9t\ufffd')
  assert.equal(oneText('/plain/é'), '/plain/é')
})

test('a message shows the bytes that are no text, and what would drive a terminal', () => {
  assert.equal(shownName(nameOf(Buffer.from('t\xe9.log', 'latin1'))), 't\\xE9.log')
  assert.equal(shownName('two\nlines\x1b[2J\x9b'), 'two\\x0Alines\\x1B[2J\\x9B')
  assert.equal(shownName('back\\slash é 😀'), 'back\\slash é 😀')
  assert.equal(shownName('back\\slash\t'), 'back\\\\slash\\x09', 'no escape can be taken for a name')
  assert.equal(shownName('😀'.repeat(300)), `${'😀'.repeat(200)}…`)
})
