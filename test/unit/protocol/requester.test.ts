// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { AgentError } from '../../../src/base/errors.ts'
import { diagPing, diagTime } from '../../../src/protocol/commands.ts'
import { limits } from '../../../src/protocol/limits.ts'
import { Requester } from '../../../src/protocol/requester.ts'
import { FakeClock, settle } from '../../helpers/fake-clock.ts'
import { type Cloud, FakeLink, silent } from '../../helpers/fake-link.ts'
import { memoryLog } from '../../helpers/memory-log.ts'

function scene(t: TestContext, o: { cloud?: Cloud; random?: number; qos?: 0 | 1 } = {}) {
  const clock = new FakeClock()
  clock.nextRandom = o.random ?? 0
  const link = new FakeLink(o.cloud === undefined ? {} : { cloud: o.cloud })
  const { log, text, records } = memoryLog(clock)
  const requester = new Requester({ link, clock, log, qos: o.qos ?? 1 })
  t.after(() => {
    assert.deepEqual(link.thrown, [], 'something was thrown into the network')
    requester.close(new AgentError('CLOSED', 'end of test'))
    assert.equal(clock.timers, 0, 'a timer was left behind')
  })
  return { clock, link, requester, text, records }
}

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'resolved',
    error => (error instanceof AgentError ? error.code : String(error)),
  )

test('a request gets the reply with its own number and nothing else [H1]', async t => {
  const { link, requester } = scene(t, { cloud: silent })
  const first = requester.requestOne(diagTime())
  const second = requester.requestOne(diagTime())
  await settle()
  assert.deepEqual(
    link.sent.map(({ topic }) => topic),
    ['api/0001', 'api/0002'],
  )
  link.reply('0002', { 1: { success: true, params: { time: 2 } } })
  link.reply('0001', { 1: { success: true, params: { time: 1 } } })
  assert.deepEqual([await first, await second], [{ time: 1 }, { time: 2 }])
})

test('the number is known before the message is out: a reply from within publish finds its request [H9]', async t => {
  const { link, requester } = scene(t)
  link.cloud = ({ suffix }) => {
    link.reply(suffix, { 1: { success: true, params: { time: 5 } } })
    return undefined
  }
  assert.deepEqual(await requester.requestOne(diagTime()), { time: 5 })
})

test('a request that is never answered ends at its deadline, and leaves nothing behind [H2, H5]', async t => {
  const { clock, requester } = scene(t, { cloud: silent })
  const ended = codeOf(requester.requestOne(diagPing(), { timeoutMs: 4_000 }))
  await clock.advance(3_999)
  assert.equal(requester.counters().pending, 1)
  await clock.advance(1)
  assert.equal(await ended, 'TIMEOUT')
  assert.equal(requester.counters().pending, 0)
  assert.equal(requester.counters().timedOut, 1)
})

test('without a link, and when publishing fails, the caller hears it at once [H11]', async t => {
  const { link, requester } = scene(t, { qos: 0 })
  link.isUp = false
  assert.equal(await codeOf(requester.requestOne(diagPing())), 'NOT_CONNECTED')
  link.isUp = true
  link.publishError = new AgentError('LINK_LOST', 'cut')
  assert.equal(await codeOf(requester.requestOne(diagPing())), 'LINK_LOST')
  assert.equal(requester.counters().pending, 0)
})

test('a lost link ends every wait, and its replies of later are only counted', async t => {
  const { link, requester } = scene(t, { cloud: silent })
  const ended = [codeOf(requester.requestOne(diagPing())), codeOf(requester.requestOne(diagTime()))]
  link.down()
  assert.deepEqual(await Promise.all(ended), ['LINK_LOST', 'LINK_LOST'])
  link.up()
  link.reply('0001', { 1: { success: true } })
  assert.deepEqual({ lost: requester.counters().linkLost, late: requester.counters().late }, { lost: 2, late: 1 })
})

test('late, duplicate and unknown replies, unknown topics and nonsense are counted and survived [H6, H9]', async t => {
  const { clock, link, requester, records } = scene(t)
  await requester.requestOne(diagPing())
  link.reply('0001', { 1: { success: true } })
  link.reply('7777', { 1: { success: true } })
  link.deliver('reply', '{}')
  link.deliver('replyz/0001', Buffer.from([0x78, 0x9c, 1]))
  link.deliver('notify/weather', 'not json')
  link.deliver('thing/dev-1/property/p', '5')
  link.cloud = silent
  const timedOut = codeOf(requester.requestOne(diagPing(), { timeoutMs: 10 }))
  await clock.advance(10)
  assert.equal(await timedOut, 'TIMEOUT')
  link.reply('0002', { 1: { success: true } })
  const { duplicate, late, unknown } = requester.counters()
  assert.deepEqual({ duplicate, late, unknown }, { duplicate: 1, late: 1, unknown: 5 })
  const lines = records.length
  for (let flood = 0; flood < 1000; flood++) link.deliver('notify/weather', 'x')
  assert.equal(records.length, lines, 'logged once per kind and minute')
  link.cloud = ({ commands }) => Object.fromEntries(commands.map(({ id }) => [id, { success: true }]))
  assert.deepEqual(await requester.requestOne(diagPing()), {})
})

test('a malformed or oversized reply fails its own request, and the agent goes on', async t => {
  const { link, requester } = scene(t, { cloud: silent })
  const bad = codeOf(requester.requestOne(diagPing()))
  await settle()
  link.deliver('reply/0001', '{"1":{"succ')
  assert.equal(await bad, 'PROTOCOL_VIOLATION')
  const big = codeOf(requester.requestOne(diagPing()))
  await settle()
  link.deliver('reply/0002', new Uint8Array(limits.maxReplyBytes + 1))
  assert.equal(await big, 'LIMIT_EXCEEDED')
  const { malformed, oversized } = requester.counters()
  assert.deepEqual({ malformed, oversized }, { malformed: 1, oversized: 1 })
})

test('a reply that comes in pieces is handed on as it comes, keeps its request waiting, and ends it as too large', async t => {
  const { link, requester, clock } = scene(t, { cloud: silent })
  const pieces: string[] = []
  const onLarge = (piece: Uint8Array) => void pieces.push(Buffer.from(piece).toString())
  const large = codeOf(requester.requestOne(diagPing(), { timeoutMs: 1_000, onLarge }))
  const other = codeOf(requester.requestOne(diagPing(), { timeoutMs: 5_000 }))
  await clock.advance(900)
  link.deliverPieces('reply/0099', [Buffer.from('nobody asked')])
  link.deliverPieces('notify/mailbox_activity', [Buffer.from('x')])
  link.piece('reply/0001', Buffer.from('{"1":'))
  await clock.advance(900)
  assert.equal(requester.counters().pending, 2)
  link.deliverPieces('reply/0001', [Buffer.from('{}}')])
  assert.equal(await large, 'LIMIT_EXCEEDED')
  assert.deepEqual(pieces, ['{"1":', '{}}'])
  link.deliverPieces('reply/0002', [Buffer.from('x')])
  assert.equal(await other, 'LIMIT_EXCEEDED', 'also where nobody wants the pieces')
  const whole = codeOf(requester.requestOne(diagPing(), { onLarge }))
  await settle()
  link.deliver('reply/0003', new Uint8Array(limits.maxReplyBytes + 1))
  assert.equal(await whole, 'LIMIT_EXCEEDED')
  assert.equal(pieces[2]?.length, limits.maxReplyBytes + 1)
})

test('a reply that drips without an end is waited for ten minutes in all', async t => {
  const { link, requester, clock } = scene(t, { cloud: silent })
  const large = codeOf(requester.requestOne(diagPing(), { timeoutMs: 20_000 }))
  const fromMs = clock.monotonicMs()
  let drops = 0
  while (requester.counters().pending > 0 && drops < 100) {
    link.piece('reply/0001', Buffer.from(' '))
    drops++
    await clock.advance(15_000)
  }
  assert.equal(await large, 'TIMEOUT')
  assert.equal(clock.monotonicMs() - fromMs, limits.largeReplyTimeoutMs)
})

test('pieces that stop coming end the wait, and a reader that fails harms nobody', async t => {
  const { link, requester, clock } = scene(t, { cloud: silent })
  const onLarge = () => {
    throw new Error('reader')
  }
  const large = codeOf(requester.requestOne(diagPing(), { timeoutMs: 1_000, onLarge }))
  await clock.advance(500)
  link.piece('reply/0001', Buffer.from('{'))
  await clock.advance(1_000)
  assert.equal(await large, 'TIMEOUT')
})

test('a reply that comes after its deadline goes to who still wants it, once', async t => {
  const { link, requester, clock } = scene(t, { cloud: silent })
  const late: object[] = []
  const onLate = (params: object) => void late.push(params)
  const timeoutMs = 1_000
  const asked = [{ onLate, timeoutMs }, { timeoutMs }].map(options => codeOf(requester.requestOne(diagPing(), options)))
  await clock.advance(timeoutMs)
  assert.deepEqual(await Promise.all(asked), ['TIMEOUT', 'TIMEOUT'])
  for (const suffix of ['0001', '0001', '0002']) link.reply(suffix, { 1: { success: true, params: { suffix } } })
  assert.deepEqual(late, [{ suffix: '0001' }])
  const answered = requester.requestOne(diagPing(), { onLate })
  await settle()
  for (let copy = 0; copy < 2; copy++) link.reply('0003', { 1: { success: true, params: {} } })
  await answered
  const refused = codeOf(requester.requestOne(diagPing(), { onLate, timeoutMs: 1 }))
  await clock.advance(1)
  await refused
  link.reply('0004', { 1: { success: false, errorCodes: [-1] } })
  assert.equal(late.length, 1)
})

test('a failure at the root refuses the request with its codes [H6]', async t => {
  const { requester } = scene(t, {
    cloud: () => ({ success: false, errorCodes: [-1], errorMessages: ['Not allowed'] }),
  })
  await assert.rejects(requester.request([diagPing(), diagPing()]), {
    code: 'REFUSED_BY_CLOUD',
    details: { errorCodes: [-1], errorMessages: ['Not allowed'] },
  })
})

test('a reply that lacks an answer fails that command as a violation and keeps the others', async t => {
  const { requester } = scene(t, { cloud: () => ({ 2: { success: true, params: { time: 9 } }, 3: { success: true } }) })
  const results = await requester.request([diagPing(), diagTime()])
  assert.equal(results[0]?.ok, false)
  assert.deepEqual(results[1], { ok: true, params: { time: 9 } })
  assert.equal(await codeOf(requester.requestOne(diagPing())), 'PROTOCOL_VIOLATION')
})

test('numbers start anywhere, have at least four digits, go round, and leave out those in use [H4]', async t => {
  const { link, requester } = scene(t, {
    cloud: silent,
    random: (limits.maxRequestNumber - 2) / limits.maxRequestNumber,
  })
  const endings: Promise<string>[] = []
  for (let request = 0; request < 3; request++) endings.push(codeOf(requester.requestOne(diagPing())))
  await settle()
  assert.deepEqual(
    link.sent.map(({ topic }) => topic),
    ['api/999998', 'api/999999', 'api/0001'],
  )
  const other = scene(t, { random: 0.5 })
  await other.requester.requestOne(diagPing())
  assert.equal(other.link.sent[0]?.topic, 'api/500000')
  link.down()
  assert.deepEqual(await Promise.all(endings), ['LINK_LOST', 'LINK_LOST', 'LINK_LOST'])
})

test('waits are bounded: one too many is refused, and the outbox keeps its reserve', async t => {
  const { link, requester } = scene(t, { cloud: silent })
  const endings: Promise<string>[] = []
  for (let request = 0; request < limits.maxPendingRequests; request++)
    endings.push(codeOf(requester.requestOne(diagPing())))
  assert.equal(await codeOf(requester.requestOne(diagPing())), 'LIMIT_EXCEEDED')
  endings.push(codeOf(requester.send({ text: '{"1":{"command":"diag.ping"}}', commands: 1 })))
  await settle()
  assert.equal(link.sent.length, limits.maxPendingRequests + 1)
  link.down()
  assert.ok((await Promise.all(endings)).every(code => code === 'LINK_LOST'))
})

test('an abort ends the wait and leaves no listener on the signal', async t => {
  const { requester } = scene(t, { cloud: silent })
  const controller = new AbortController()
  const { signal } = controller
  const add = t.mock.method(signal, 'addEventListener')
  const remove = t.mock.method(signal, 'removeEventListener')
  const ended = codeOf(requester.requestOne(diagPing(), { signal }))
  controller.abort()
  assert.equal(await ended, 'ABORTED')
  assert.equal(add.mock.callCount(), 1)
  assert.equal(remove.mock.callCount(), 1)
  assert.equal(await codeOf(requester.requestOne(diagPing(), { signal })), 'ABORTED')
  assert.equal(requester.counters().pending, 0)
})

test('mail is announced whatever the notification carries', async t => {
  const { link, requester } = scene(t)
  let mails = 0
  const off = requester.on('mailbox', () => void mails++)
  for (const payload of ['{"sessionId":"s","thingKey":"other"}', 'no json', ''])
    link.deliver('notify/mailbox_activity', payload)
  off()
  link.deliver('notify/mailbox_activity', '{}')
  assert.equal(mails, 3)
})

test('a listener that throws harms neither the link nor the other listeners [H9]', async t => {
  const { link, requester, text } = scene(t)
  let mails = 0
  requester.on('mailbox', () => {
    throw new Error('listener bug')
  })
  requester.on('mailbox', () => void mails++)
  link.deliver('notify/mailbox_activity', '{}')
  assert.equal(mails, 1)
  assert.match(text(), /listener bug/)
})

test('close ends every wait with its reason, now and later, and stops listening', async t => {
  const { link, requester } = scene(t, { cloud: silent })
  const ended = codeOf(requester.requestOne(diagPing()))
  requester.close(new AgentError('CLOSED', 'bye'))
  assert.equal(await ended, 'CLOSED')
  assert.equal(await codeOf(requester.requestOne(diagPing())), 'CLOSED')
  const before = requester.counters()
  link.reply('0001', { 1: { success: true } })
  assert.deepEqual(requester.counters(), before)
})
