// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import test from 'node:test'
import { isDeeperThan, type Json, maxJsonDepth } from '../../../src/base/json.ts'
import { limits } from '../../../src/protocol/limits.ts'
import { isTemporary, refusedError, resultError } from '../../../src/protocol/refusal.ts'
import { commandResultIn, type FailedResult, parseReply } from '../../../src/protocol/reply.ts'

const parse = (value: unknown, commands = 1) => parseReply(Buffer.from(JSON.stringify(value)), commands)

test('each command gets its own result [TR50 2.3]', () => {
  assert.deepEqual(
    parse(
      { 2: { success: false, errorCodes: [-90008], errorMessages: ['no'] }, 1: { success: true, params: { a: 1 } } },
      2,
    ),
    {
      kind: 'results',
      results: [
        { ok: true, params: { a: 1 } },
        { ok: false, errorCodes: [-90008], errorMessages: ['no'] },
      ],
    },
  )
})

test('success without params, or with params that are no object, has empty params', () => {
  for (const params of [undefined, null, [], 'text', 3])
    assert.deepEqual(parse({ 1: { success: true, params } }), { kind: 'results', results: [{ ok: true, params: {} }] })
})

test('a failure at the root is a refusal of the whole request [H6]', () => {
  assert.deepEqual(parse({ success: false, errorCodes: [-1, '-2'], errorMessages: ['a'] }), {
    kind: 'refused',
    errorCodes: [-1, -2],
    errorMessages: ['a'],
  })
  assert.equal(parse({ success: true }).kind, 'malformed')
})

test('a failure at the root of an HTTPS reply answers every command that has no answer of its own', () => {
  const refusal = { errorCodes: [-90000], errorMessages: ['Authentication is required'] }
  assert.deepEqual(commandResultIn({ success: false, ...refusal }, 'cmd'), { ok: false, ...refusal })
  assert.deepEqual(commandResultIn({ success: false, cmd: { success: true } }, 'cmd'), { ok: true, params: {} })
  for (const reply of [{}, { success: true }, { auth: { success: true } }]) {
    const result = commandResultIn(reply, 'cmd')
    assert.equal(!result.ok && result.violation, true, JSON.stringify(reply))
  }
})

test('an answer that is missing or senseless is a violation for that command alone', () => {
  for (const odd of [undefined, null, 7, [], {}, { success: 'yes' }]) {
    const reply = parse({ 1: odd, 2: { success: true } }, 2)
    assert.equal(reply.kind, 'results')
    assert.ok(reply.kind === 'results' && !reply.results[0]?.ok && reply.results[0]?.violation === true)
    assert.equal(reply.results[1]?.ok, true)
  }
})

test('a reply that is not a JSON object in UTF-8 is malformed and nothing is thrown', () => {
  for (const payload of ['', 'null', '[]', '"x"', '{"1":', 'a'.repeat(100)])
    assert.equal(parseReply(Buffer.from(payload), 1).kind, 'malformed', payload)
  assert.equal(parseReply(Buffer.from([0x7b, 0xff, 0xfe]), 1).kind, 'malformed')
  assert.equal(parseReply(Buffer.from('['.repeat(500_000)), 1).kind, 'malformed')
})

test('a part of a reply that is too deep is cut where it is still seen to be, and the parts beside it are whole', () => {
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
  const payload = `{"1":{"success":true,"params":{"messages":[{"params":{"params":${nested(100_000)}}},{"id":"m2"}]}}}`
  const reply = parseReply(Buffer.from(payload), 1)
  assert.ok(reply.kind === 'results' && reply.results[0]?.ok)
  const [deep, whole] = reply.results[0].params.messages as [{ params: { params: Json } }, unknown]
  assert.deepEqual(whole, { id: 'm2' })
  assert.equal(isDeeperThan(deep.params.params, maxJsonDepth), true)
  assert.equal(isDeeperThan(deep.params.params, maxJsonDepth + 1), false)
})

test('error lists of any shape are bounded and cleaned', () => {
  const reply = parse({
    1: { success: false, errorCodes: [...new Array(99).fill(-1), {}], errorMessages: ['x'.repeat(99_999), 5, null] },
  })
  assert.ok(reply.kind === 'results')
  const [result] = reply.results
  assert.ok(result?.ok === false)
  assert.equal(result.errorCodes.length, limits.maxErrors)
  assert.deepEqual(
    result.errorMessages.map(message => message.length),
    [limits.maxErrorTextLength],
  )
  assert.deepEqual(parse({ 1: { success: false, errorCodes: [null, [], true, 1.5, -3] } }), {
    kind: 'results',
    results: [{ ok: false, errorCodes: [-3], errorMessages: [] }],
  })
})

test('names of Object.prototype in a reply are no answers', () => {
  assert.ok(parse(JSON.parse('{"__proto__":{"success":false}}')).kind === 'results')
  assert.ok(parse({ constructor: 1, toString: 2 }).kind === 'results')
})

test('a refusal about the moment is told from one for good', () => {
  const refusal = (message: string, code = -1) => ({ errorCodes: [code], errorMessages: [message] })
  for (const message of ['API rate limit exceeded', 'Rate-Limit', 'throttled', 'Too many requests', 'server busy'])
    assert.equal(refusedError('x', refusal(message)).code, 'THROTTLED', message)
  assert.equal(isTemporary(refusal('Thing key is not known', -90008)), false)
  const error = refusedError('attribute.current', refusal('Thing key is not known', -90008))
  assert.equal(error.code, 'REFUSED_BY_CLOUD')
  assert.match(error.message, /attribute\.current: Thing key is not known \(-90008\)/)
  assert.deepEqual(error.details, { errorCodes: [-90008], errorMessages: ['Thing key is not known'] })
})

test('sentences of the cloud go into the sentence of an error without their full stops', () => {
  const refusal = { errorCodes: [-90008], errorMessages: ['Thing key is not known.', 'Ask again'] }
  assert.equal(
    refusedError('mailbox.check', refusal).message,
    'The cloud refused mailbox.check: Thing key is not known; Ask again (-90008).',
  )
  const missing: FailedResult = {
    ok: false,
    errorCodes: [],
    errorMessages: ['The reply has no answer.'],
    violation: true,
  }
  assert.equal(
    resultError('diag.ping', missing).message,
    'The reply to diag.ping is not TR50: The reply has no answer.',
  )
})
