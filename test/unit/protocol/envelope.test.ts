// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import test from 'node:test'
import { encodeRequest } from '../../../src/protocol/envelope.ts'
import { limits } from '../../../src/protocol/limits.ts'

test('non-ASCII text is escaped, so the length of a request is its size in bytes', () => {
  const { text } = encodeRequest([{ command: 'log.publish', params: { msg: 'grün 🌱' } }])
  assert.equal(text, '{"1":{"command":"log.publish","params":{"msg":"gr\\u00fcn \\ud83c\\udf31"}}}')
  assert.equal(Buffer.byteLength(text), text.length)
  assert.equal(JSON.parse(text)['1'].params.msg, 'grün 🌱')
})

test('a request over the limit of bytes or commands is an error that names the limit', () => {
  const big = { command: 'diag.echo', params: { text: 'x'.repeat(limits.maxRequestBytes) } }
  assert.throws(() => encodeRequest([big]), {
    code: 'LIMIT_EXCEEDED',
    message: new RegExp(`${limits.maxRequestBytes} bytes`),
  })
  const many = new Array(limits.maxCommands + 1).fill({ command: 'diag.ping' })
  assert.throws(() => encodeRequest(many), {
    code: 'LIMIT_EXCEEDED',
    message: new RegExp(`limit of ${limits.maxCommands}`),
  })
  assert.equal(encodeRequest(many.slice(1)).commands, limits.maxCommands)
})

test('no commands, or parameters that are not JSON, are an error and nothing is sent', () => {
  assert.throws(() => encodeRequest([]), { code: 'INVALID_ARGUMENT' })
  const loop: Record<string, never> = {}
  Object.assign(loop, { loop })
  assert.throws(() => encodeRequest([{ command: 'diag.echo', params: loop }]), { code: 'INVALID_ARGUMENT' })
})
