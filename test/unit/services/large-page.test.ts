// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { maxJsonDepth } from '../../../src/base/json.ts'
import { LargePage, maxMailBytes, maxPageChars } from '../../../src/services/mailbox/large-page.ts'
import type { Mail } from '../../../src/services/mailbox/mail.ts'
import { mailText } from '../../helpers/hostile-cloud.ts'

const replyText = (mails: readonly string[]) => `{"1":{"success":true,"params":{"messages":[${mails.join(',')}]}}}`

/** What a page reads from a text that comes in pieces of one size. */
function read(text: string, pieceBytes = 64 * 1024): Mail[] {
  const page = new LargePage()
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    // The network uses its memory again.
    const piece = Buffer.from(bytes.subarray(at, at + pieceBytes))
    page.take(piece)
    piece.fill(0x21)
  }
  assert.equal(page.bytes, bytes.length)
  return page.takeMails()
}

const idsOf = (mails: readonly Mail[]) =>
  mails.map(mail => (mail.kind === 'unusable' ? mail.problem : `${mail.kind} ${mail.id}`))

test('each mail of a page is read, however its bytes are cut', () => {
  const odd = JSON.stringify({ text: '"}],[{\\" é😀 "id":"x"', list: [[{ id: 'inner' }]], messages: [{ id: 'no' }] })
  const text = `{ "1" : {"success":true,"params":{"other":[${mailText('no', 'go')}],"messages" : [ ${mailText('a', 'go', odd)} ,
    ${mailText('b', 'go')}, 7, null, ["x"], {"id":"\\u0063\\"","command":"method.exec","params":{"method":"go"}}] } } }`
  for (const size of [1, 2, 3, 7, 64, 100_000]) {
    const mails = read(text, size)
    assert.deepEqual(idsOf(mails), ['call a', 'call b', 'not an object', 'call c"'], `pieces of ${size}`)
    assert.deepEqual(mails[0]?.kind === 'call' && mails[0].call.params, JSON.parse(odd))
  }
})

test('of a call that is too large the id is learned wherever it stands, and its neighbours are whole', () => {
  const fill = `"${'x\\"}'.repeat(maxMailBytes / 4)}"`
  const large = (before: string, after: string) =>
    `{${before}"command":"method.exec","params":{"method":"go","params":{"id":"inner","fill":${fill}}}${after}}`
  const mails = read(
    replyText([
      mailText('first', 'go'),
      large('"id":"before",', ''),
      large('', ',"id":"after"'),
      large('', ''),
      mailText('last', 'go'),
    ]),
  )
  assert.deepEqual(idsOf(mails).slice(0, 3), ['call first', 'refused before', 'refused after'])
  assert.match(idsOf(mails)[3] ?? '', /no id of 1 to 256 characters, and the call is larger than 2097152 bytes/)
  assert.equal(idsOf(mails)[4], 'call last')
  const [, refused] = mails
  assert.ok(refused?.kind === 'refused')
  assert.equal(refused.outcome.status, 2)
})

test('a page brings so much and no more: the calls beyond it are refused, and one that fits runs', () => {
  const params = `{"fill":"${'x'.repeat(1_000_000)}"}`
  const many = Math.ceil(maxPageChars / 1_000_000) + 2
  const mails = read(replyText(Array.from({ length: many }, (_, at) => mailText(`m${at}`, 'go', params))))
  const calls = mails.filter(({ kind }) => kind === 'call').length
  assert.equal(calls, Math.floor(maxPageChars / 1_000_100))
  assert.equal(mails.length, many)
  for (const mail of mails.slice(calls)) assert.ok(mail.kind === 'refused' && mail.outcome.status === 17)
})

test('parameters that are too deep are refused as in any page, and what is cut off or no JSON harms nothing', () => {
  const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
  const deep = replyText([mailText('edge', 'go', nested(maxJsonDepth)), mailText('deep', 'go', nested(50_000))])
  assert.deepEqual(idsOf(read(deep)), ['call edge', 'refused deep'])
  const whole = replyText([mailText('a', 'go'), mailText('b', 'go')])
  assert.deepEqual(idsOf(read(whole.slice(0, -10))), ['call a'])
  for (const text of [
    '}}}]]]',
    ']'.repeat(1000) + whole,
    '\u0000\ufffd"',
    '{"1":{"success":true,"params":{"fill":"xxx"}}}',
  ])
    assert.deepEqual(idsOf(read(text)), [])
  assert.deepEqual(idsOf(read(replyText(['{"id":"a" oops}']))), ['not an object'])
})

test('a page of countless tiny entries takes as little memory as any: what nobody could take any more is only counted', () => {
  const page = new LargePage()
  const take = (text: string) => page.take(Buffer.from(text))
  const mails = (many: number, params?: string) =>
    take(Array.from({ length: many }, (_, at) => `${mailText(`m${at}`, 'go', params)},`).join(''))
  take('{"1":{"success":true,"params":{"messages":[')
  for (let left = maxPageChars; left > 0; left -= 1_000_000) mails(1, `{"fill":"${'x'.repeat(1_000_000)}"}`)
  mails(30_000)
  take('{},[],'.repeat(15_000))
  const taken = page.takeMails()
  const of = (kind: Mail['kind']) => taken.filter(mail => mail.kind === kind).length
  assert.deepEqual([of('refused'), of('unusable')], [10_000, 10_000])
  assert.equal(page.dropped, Math.ceil(maxPageChars / 1_000_000) + 60_000 - taken.length)
})

test('the room of a page counts what a small call takes in memory, not its characters alone', () => {
  const page = new LargePage()
  page.take(Buffer.from('{"1":{"success":true,"params":{"messages":['))
  const fills = Math.floor(maxPageChars / 1_100_000)
  for (let at = 0; at < fills; at++)
    page.take(Buffer.from(`${mailText(`m${at}`, 'go', `{"fill":"${'x'.repeat(1_100_000 - 200)}"}`)},`))
  const rest = Math.ceil((maxPageChars - fills * 1_100_000) / 100) + 1000
  page.take(Buffer.from(`${mailText('x', 'go')},`.repeat(rest)))
  assert.ok(page.takeMails().some(mail => mail.kind === 'refused'))
})

test('pieces of one byte take no more memory than the call that they bring', () => {
  const page = new LargePage()
  const bytes = Buffer.from(replyText([mailText('a', 'go', `{"fill":"${'x'.repeat(1_000_000)}"}`)]))
  const used = () => process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers
  const before = used()
  const most = bytes.length - 10
  for (let at = 0; at < most; at++) page.take(bytes.subarray(at, at + 1))
  const more = used() - before
  // Kept one by one they take some two hundred.
  assert.ok(more < 80_000_000, `${more} bytes`)
  page.take(bytes.subarray(most))
  assert.deepEqual(idsOf(page.takeMails()), ['call a'])
})
