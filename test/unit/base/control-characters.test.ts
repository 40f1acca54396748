// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { escapeControls, withoutControls } from '../../../src/base/control-characters.ts'

const codes = [...Array(0x20).keys(), ...Array.from({ length: 0x21 }, (_, index) => 0x7f + index)]

test('every control character of ASCII and Latin-1 is shown, and sent to no terminal', () => {
  for (const code of codes) {
    const text = `a${String.fromCharCode(code)}b`
    assert.equal(withoutControls(text), 'a?b')
    assert.equal(escapeControls(text), `a\\x${code.toString(16).padStart(2, '0')}b`)
  }
})

test('all of them in a text, and nothing else: spaces, other letters and symbols stay', () => {
  assert.equal(withoutControls('\u001b[2J\r\n ~\u00a0é€😀\u0000'), '?[2J?? ~\u00a0é€😀?')
  assert.equal(escapeControls('\u001b[2J\r\n ~\u00a0é€😀'), '\\x1b[2J\\x0d\\x0a ~\u00a0é€😀')
})
