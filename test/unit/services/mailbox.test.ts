// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AgentError } from '../../../src/base/errors.ts'
import type { Json, JsonObject } from '../../../src/base/json.ts'
import type { Receipt } from '../../../src/outbox/outbox.ts'
import type { ActionReply } from '../../../src/protocol/action-reply.ts'
import type { Ask } from '../../../src/protocol/ask.ts'
import type { Command } from '../../../src/protocol/commands.ts'
import { limits } from '../../../src/protocol/limits.ts'
import { Mailbox, maxOpenCallChars, maxOpenMails } from '../../../src/services/mailbox/mailbox.ts'
import { MemoryJournal } from '../../../src/services/mailbox/memory-journal.ts'
import { FakeClock, settle } from '../../helpers/fake-clock.ts'
import { FakeOutbox } from '../../helpers/fake-outbox.ts'
import { memoryLog } from '../../helpers/memory-log.ts'

interface Ran {
  readonly mail: { id: string; name: string; params: JsonObject }
  readonly reply: ActionReply<Receipt>
}

/** A reply that is too large: its pieces, and how the check ends. */
interface LargeAnswer {
  readonly pieces: readonly string[]
  readonly failure: AgentError
}

const nested = (depth: number): Json => JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`)

/** A mailbox whose cloud answers checks with `pages` in turn, and then with empty ones. */
function mailbox(
  pages: (readonly Json[] | AgentError | 'silent' | LargeAnswer)[] = [],
  journal = new MemoryJournal(),
  bootId = 'boot-1',
) {
  const clock = new FakeClock()
  const outbox = new FakeOutbox()
  const { log, text } = memoryLog(clock)
  const asked: Command[] = []
  const ran: Ran[] = []
  const waiting: ((page: readonly Json[]) => void)[] = []
  const late: ((params: JsonObject) => void)[] = []
  const ask: Ask = async (command, options) => {
    asked.push(command('K'))
    if (options?.onLate !== undefined) late.push(options.onLate)
    const page = pages.shift() ?? []
    if (page instanceof AgentError) throw page
    if (page !== 'silent' && 'pieces' in page) {
      for (const piece of page.pieces) options?.onLarge?.(Buffer.from(piece))
      throw page.failure
    }
    if (page === 'silent') return { messages: await new Promise<readonly Json[]>(resolve => waiting.push(resolve)) }
    return { messages: page }
  }
  const box = new Mailbox({
    ask,
    outbox,
    journal,
    bootId,
    clock,
    log,
    execute: (mail, reply) => void ran.push({ mail, reply }),
  })
  const answer = (page: readonly Json[]) => waiting.shift()?.(page)
  return { box, clock, outbox, asked, ran, text, pages, journal, answer, late }
}

const call = (id: string, method = 'ping', params?: Json): JsonObject => ({
  id,
  thingKey: 'K',
  command: 'method.exec',
  params: { method, ...(params === undefined ? {} : { params }) },
})

const checks = (asked: readonly Command[]) => asked.map(({ params }) => params?.limit)

test('fetches mail without completing it, carries it out and acknowledges the outcome', async () => {
  const { box, asked, ran, outbox } = mailbox([[call('m1', 'ping', { a: 1 })]])
  box.check()
  await settle()
  assert.deepEqual(asked[0], { command: 'mailbox.check', params: { autoComplete: false, limit: limits.mailboxPage } })
  assert.deepEqual(
    ran.map(one => one.mail),
    [{ id: 'm1', name: 'ping', params: { a: 1 } }],
  )
  await ran[0]?.reply.update('half')
  await ran[0]?.reply.finish({ status: 0, message: '', params: { b: 2 } })
  assert.deepEqual(outbox.in('ack'), [
    { command: 'mailbox.update', params: { id: 'm1', msg: 'half' } },
    { command: 'mailbox.ack', params: { id: 'm1', errorCode: 0, errorMessage: '', params: { b: 2 } } },
  ])
})

test('looks again a moment after new mail, and stops when only mail in flight is offered again', async () => {
  const { box, asked, ran, clock } = mailbox([[call('m1')], [call('m1'), call('m2')], [call('m1'), call('m2')]])
  box.check()
  await clock.advance(999)
  // The answer of the first mail has the link for itself.
  assert.equal(asked.length, 1)
  await clock.advance(1)
  assert.equal(ran.length, 2)
  await clock.advance(60_000)
  // Open mail is counted into the page, so that it cannot crowd out new mail.
  assert.deepEqual(checks(asked), [50, 51, 52])
})

test('a notification does not wait for the moment, and one look follows however many came', async () => {
  const { box, asked, ran, clock } = mailbox([[call('m1')], [call('m2')], [call('m3')]])
  for (let times = 0; times < 3; times++) {
    box.check()
    await clock.advance(10)
  }
  assert.equal(ran.length, 3)
  await clock.advance(60_000)
  assert.equal(asked.length, 4)
})

test('keeps one check outstanding; notifications meanwhile cause one more', async () => {
  const { box, asked, answer } = mailbox(['silent'])
  for (let times = 0; times < 5; times++) box.check()
  await settle()
  assert.equal(asked.length, 1)
  answer([])
  await settle()
  assert.equal(asked.length, 2)
})

test('malformed mail is refused where it has an id, and the mail around it still runs', async () => {
  const { box, ran, outbox } = mailbox([
    [
      call('m1'),
      null,
      'nonsense',
      { command: 'method.exec' },
      { id: 'x'.repeat(300), command: 'method.exec' },
      { id: 'b1' },
      { id: 'b2', command: 'file.send', params: {} },
      { id: 'b3', command: 'method.exec' },
      { id: 'b4', command: 'method.exec', params: { method: 7 } },
      { id: 'b5', command: 'method.exec', params: { method: 'ping', params: 'a=1' } },
      { id: 'm2', command: 'method.exec', params: { method: 'ping', params: null } },
    ],
  ])
  box.check()
  await settle()
  assert.deepEqual(
    ran.map(one => one.mail.id),
    ['m1', 'm2'],
  )
  assert.deepEqual(outbox.answers(), [
    'ack b1 3 ERROR: the message has no command.',
    'ack b2 18 ERROR: the command "file.send" is not supported by this agent.',
    'ack b3 3 ERROR: method.exec has no params.',
    'ack b4 3 ERROR: method.exec names no method.',
    'ack b5 2 ERROR: the params of the method must be an object.',
  ])
  assert.equal(box.counters().malformed, 9)
})

test('mail offered again is never carried out twice: ignored while open, answered as before when answered', async () => {
  const { box, ran, outbox, pages } = mailbox([[call('m1')]])
  box.check()
  await settle()
  pages.push([call('m1')])
  box.check()
  await settle()
  assert.deepEqual(outbox.answers(), [])
  await ran[0]?.reply.finish({ status: 4, message: 'no' })
  pages.push([call('m1')])
  box.check()
  await settle()
  assert.deepEqual(outbox.answers(), ['ack m1 4 no'], 'the answer is still on its way')
  outbox.items[0]?.deliver()
  await settle()
  pages.push([call('m1')])
  box.check()
  await settle()
  assert.deepEqual(outbox.answers(), ['ack m1 4 no', 'ack m1 4 no'])
  assert.equal(ran.length, 1)
})

test('an acknowledgement that the cloud refuses is not repeated', async () => {
  const { box, ran, outbox, journal } = mailbox([[call('m1')]])
  box.check()
  await settle()
  await ran[0]?.reply.finish({ status: 0 })
  outbox.items[0]?.fail(new AgentError('REFUSED_BY_CLOUD', 'completed already'))
  await settle()
  assert.equal(outbox.items.length, 1)
  assert.equal(box.counters().open, 0)
  assert.deepEqual(await journal.unsettled(), [])
})

test('stops fetching when many mails are open, and goes on when one is answered', async () => {
  const all = Array.from({ length: maxOpenMails }, (_, index) => call(`m${index}`))
  // Each page offers again what is in flight, and is full.
  const pages = [1, 2, 3, 4].map(page => all.slice(0, page * limits.mailboxPage))
  const { box, ran, outbox, asked } = mailbox(pages)
  box.check()
  await settle()
  assert.equal(ran.length, maxOpenMails)
  assert.equal(asked.length, 4)
  box.check()
  await settle()
  assert.equal(asked.length, 4)
  outbox.instant = true
  await ran[0]?.reply.finish({ status: 0 })
  await settle()
  assert.equal(asked.length, 5)
  assert.deepEqual(checks(asked).at(-1), maxOpenMails)
})

test('stops fetching while the answers on their way are large', async () => {
  const pages = [Array.from({ length: 40 }, (_, index) => call(`m${index}`))]
  const { box, ran, outbox, journal } = mailbox(pages)
  const params = { text: 'x'.repeat(250_000) }
  box.check()
  await settle()
  assert.equal(ran.length, 40)
  for (const { reply } of [...ran]) await reply.finish({ status: 0, params })
  pages.push([call('late')])
  box.check()
  await settle()
  assert.equal(ran.length, 40)
  for (const item of outbox.items.slice(0, 30)) item.deliver()
  await settle()
  assert.equal(ran.length, 41)
  assert.equal((await journal.unsettled()).length, 11)
})

test('progress lines are bounded: what is too much is left out, and the answer still goes', async () => {
  const { box, ran, outbox } = mailbox([[call('m1')]])
  box.check()
  await settle()
  const line = 'x'.repeat(10_000)
  for (let at = 0; at < 104; at++) await ran[0]?.reply.update(line)
  await assert.rejects(ran[0]?.reply.update(line) ?? Promise.resolve(), { code: 'OUTBOX_FULL' })
  await ran[0]?.reply.finish({ status: 0 })
  assert.equal(outbox.answers().at(-1), 'ack m1 0')
  outbox.items[0]?.deliver()
  await settle()
  await ran[0]?.reply.update(line)
})

test('a check that goes unanswered is tried again, later each time; an unsound reply as well', async () => {
  const late = () => new AgentError('TIMEOUT', 'no answer')
  const { box, asked, clock } = mailbox([late(), late()])
  box.check()
  await settle()
  await clock.advance(5_000)
  assert.equal(asked.length, 2)
  await clock.advance(5_000)
  assert.equal(asked.length, 2)
  await clock.advance(5_000)
  assert.equal(asked.length, 3)
})

test('asks for half as many mails after a page that may have been too large, down to one, and for more when it went well', async () => {
  const failures = (
    ['LIMIT_EXCEEDED', 'TIMEOUT', 'PROTOCOL_VIOLATION', 'LIMIT_EXCEEDED', 'TIMEOUT', 'TIMEOUT'] as const
  ).map(code => new AgentError(code, 'odd'))
  const { box, asked, clock } = mailbox([...failures, new AgentError('THROTTLED', 'slow down')])
  box.check()
  await clock.advance(1_300_000)
  for (let times = 0; times < 8; times++) {
    box.check()
    await settle()
  }
  assert.deepEqual(checks(asked).slice(0, 12), [50, 25, 12, 6, 3, 1, 1, 1, 2, 4, 8, 16])
  assert.equal(checks(asked).at(-1), 50)
})

/** The text of a reply with a page of mail. */
const pageText = (mails: readonly Json[]) => JSON.stringify({ 1: { success: true, params: { messages: mails } } })

test('a page that is too large is carried out mail by mail, and the rest of the mail is asked for at once', async () => {
  const { box, ran, asked, pages } = mailbox()
  const large = pageText([call('m1'), call('m2')])
  pages.push({ pieces: [large.slice(0, 100), large.slice(100)], failure: new AgentError('LIMIT_EXCEEDED', 'large') })
  pages.push([call('m3')])
  box.check()
  await settle()
  assert.deepEqual(
    ran.map(({ mail }) => mail.id),
    ['m1', 'm2', 'm3'],
  )
  assert.deepEqual(checks(asked), [50, 25 + 2])
})

test('the same large page again and again is carried out once, and asked for no more often than any other', async () => {
  const { box, ran, asked, pages, clock } = mailbox()
  const again = {
    pieces: [pageText([call('m1'), call('m2')])],
    failure: new AgentError('LIMIT_EXCEEDED', 'large'),
  }
  pages.push(again, again, again, again)
  box.check()
  await clock.advance(5_000)
  assert.equal(ran.length, 2)
  // The second comes at once, because the first had new mail; then nothing is new.
  assert.equal(asked.length, 2)
})

test('the mails that came before the link broke in mid-page are carried out', async () => {
  const { box, ran, pages } = mailbox()
  const cut = pageText([call('m1'), call('m2')]).slice(0, -20)
  pages.push({ pieces: [cut], failure: new AgentError('LINK_LOST', 'gone') })
  box.check()
  await settle()
  assert.deepEqual(
    ran.map(({ mail }) => mail.id),
    ['m1'],
  )
})

test('mail that comes after its check had been given up is carried out, once', async () => {
  const { box, ran, pages, clock, late } = mailbox([new AgentError('TIMEOUT', 'no answer')])
  box.check()
  await settle()
  late[0]?.({ messages: [call('m1'), call('m2')] })
  await settle()
  assert.equal(ran.length, 2)
  pages.push([call('m2'), call('m3')])
  await clock.advance(10_000)
  assert.deepEqual(
    ran.map(({ mail }) => mail.id),
    ['m1', 'm2', 'm3'],
  )
  box.close()
  late[0]?.({ messages: [call('m4')] })
  await settle()
  assert.equal(ran.length, 3)
})

test('without a link nothing is tried until the link asks; a closed mailbox asks nothing more', async () => {
  const { box, asked, clock } = mailbox([new AgentError('LINK_LOST', 'gone')])
  box.check()
  await clock.advance(3_600_000)
  assert.equal(asked.length, 1)
  box.check()
  await settle()
  assert.equal(asked.length, 2)
  assert.equal(clock.timers, 1)
  box.close()
  assert.equal(clock.timers, 0)
  box.check()
  await clock.advance(3_600_000)
  assert.equal(asked.length, 2)
})

test('looks for forgotten mail every 10 to 20 minutes', async () => {
  const { box, asked, clock } = mailbox()
  box.check()
  await clock.advance(10 * 60_000 - 1)
  assert.equal(asked.length, 1)
  await clock.advance(10 * 60_000 + 1)
  assert.equal(asked.length, 2)
})

test('takes up what an earlier process left: outcomes are sent, what had started has failed, the rest runs', async () => {
  const journal = new MemoryJournal()
  await journal.accept('done', { method: 'a', params: {} })
  await journal.finish('done', { status: 0, params: { x: 1 } })
  await journal.accept('cut', { method: 'a', params: {} })
  await journal.start('cut')
  await journal.accept('new', { method: 'b', params: { y: 2 } })
  const { box, ran, outbox } = mailbox([], journal)
  await box.resume()
  await settle()
  assert.deepEqual(outbox.answers(), [
    'ack done 0',
    'ack cut 19 ERROR: the agent ended in mid-action; the action was not run again.',
  ])
  assert.deepEqual(
    ran.map(one => one.mail),
    [{ id: 'new', name: 'b', params: { y: 2 } }],
  )
  assert.deepEqual(
    (await journal.unsettled()).map(({ id, state }) => [id, state]),
    [
      ['done', 'finished'],
      ['cut', 'finished'],
      ['new', 'accepted'],
    ],
  )
})

test('what an earlier process took runs with its numbers as they were written', async () => {
  const journal = new MemoryJournal()
  await journal.accept('m1', { method: 'go', params: { x: 1.5 }, written: { x: '1.50' } })
  const { box, ran } = mailbox([], journal)
  await box.resume()
  await settle()
  assert.deepEqual(ran[0]?.mail, { id: 'm1', name: 'go', params: { x: 1.5 }, written: { x: '1.50' } })
})

/** A mail that was started in `boot-1` and handed over there. */
async function handedOver(outcome?: { status: 0; message: string }, onlyAfterReboot = false) {
  const journal = new MemoryJournal()
  await journal.accept('m1', { method: 'update', params: {} })
  await journal.start('m1', { bootId: 'boot-1' })
  await journal.handOver('m1', outcome, { onlyAfterReboot })
  return journal
}

test('a mail that was handed over with its answer gets that answer from the next process, once', async () => {
  const { box, outbox, ran, pages } = mailbox([], await handedOver({ status: 0, message: 'here again' }))
  pages.push([call('m1')])
  await box.resume()
  box.check()
  await settle()
  outbox.items[0]?.deliver()
  await settle()
  assert.deepEqual(outbox.answers(), ['ack m1 0 here again'])
  assert.equal(ran.length, 0)
  assert.equal(box.counters().open, 0)
})

test('an answer that needs a reboot tells the truth by the boot id', async () => {
  const answerIn = async (bootId: string | undefined) => {
    const journal = await handedOver({ status: 0, message: '' }, true)
    const { box, outbox } = mailbox([], journal, bootId)
    await box.resume()
    await settle()
    assert.deepEqual((await journal.find('m1'))?.state, 'finished')
    return outbox.answers()
  }
  assert.deepEqual(await answerIn('boot-2'), ['ack m1 0 '])
  assert.deepEqual(await answerIn('boot-1'), [
    'ack m1 19 ERROR: the machine did not reboot, or is a container, which keeps its boot id; only the agent was started again.',
  ])
})

test('a mail that was handed over without an answer waits for the program, whatever comes again', async () => {
  const { box, outbox, ran, pages } = mailbox([], await handedOver())
  pages.push([call('m1')])
  assert.deepEqual(await box.left(), [{ id: 'm1', name: 'update' }])
  await box.resume()
  box.check()
  await settle()
  assert.deepEqual(outbox.answers(), [])
  assert.equal(ran.length, 0)
  pages.push([call('m2', 'update')])
  box.check()
  await settle()
  await ran[0]?.reply.started()
  await ran[0]?.reply.handOver(undefined, {})
  assert.deepEqual(await box.left(), [{ id: 'm1', name: 'update' }], 'what this process hands over is not left to it')
  await box.acknowledge('m1', { status: 0, message: 'updated' })
  assert.deepEqual(outbox.answers(), ['ack m1 0 updated'])
  assert.deepEqual(await box.left(), [])
})

test('an answer that is left to the next process can go out before', async () => {
  const { box, ran, outbox, journal } = mailbox([[call('m1', 'reboot')]])
  box.check()
  await settle()
  await ran[0]?.reply.started()
  await ran[0]?.reply.handOver({ status: 0 }, { onlyAfterReboot: true })
  assert.deepEqual(outbox.answers(), [])
  await ran[0]?.reply.finish({ status: 0 })
  assert.deepEqual(outbox.answers(), ['ack m1 0'])
  assert.equal((await journal.find('m1'))?.onlyAfterReboot, true, 'until the cloud has it, the condition stands')
  outbox.items[0]?.deliver()
  await settle()
  assert.deepEqual(await journal.unsettled(), [])
})

test('an answer that the outbox could not deliver is sent again with the next check', async () => {
  const { box, ran, outbox } = mailbox([[call('m1')]])
  box.check()
  await settle()
  await ran[0]?.reply.finish({ status: 0 })
  outbox.items[0]?.fail(new AgentError('OUTBOX_FULL', 'dropped'))
  await settle()
  box.check()
  await settle()
  assert.deepEqual(outbox.answers(), ['ack m1 0', 'ack m1 0'])
  outbox.items[1]?.deliver()
  await settle()
  box.check()
  await settle()
  assert.equal(outbox.items.length, 2)
})

test('an answer that is set aside goes out again shortened, and so does what an earlier process left', async () => {
  const first = mailbox([[call('m')]])
  first.box.check()
  await settle()
  void first.ran[0]?.reply.finish({
    status: 0,
    message: `done ${'x'.repeat(30_000)}`,
    params: { table: 'y'.repeat(9) },
  })
  await settle()
  first.outbox.items[0]?.fail(new AgentError('LIMIT_EXCEEDED', 'set aside'))
  await settle()
  const [, shorter = ''] = first.outbox.answers()
  assert.match(shorter, /^ack m 0 done x+… \[The whole answer, 30026 characters, is too long/)
  assert.ok(shorter.length < 400)
  assert.equal(Object(first.outbox.items[1]?.item.params).params, undefined)
  assert.equal(first.box.counters().open, 1)
  const second = mailbox([], first.journal)
  await second.box.resume()
  await settle()
  assert.deepEqual(second.outbox.answers(), [shorter])
  second.outbox.items[0]?.deliver()
  await settle()
  assert.equal(second.box.counters().open, 0)
})

test('an answer that is too long even when shortened goes as its status, and after that the mail is given up', async () => {
  const { box, ran, outbox, text, journal, pages } = mailbox([[call('m')]])
  box.check()
  await settle()
  void ran[0]?.reply.finish({ status: 0, message: 'x'.repeat(30_000) })
  await settle()
  for (let item = 0; item < 3; item++) {
    outbox.items[item]?.fail(new AgentError('LIMIT_EXCEEDED', 'set aside'))
    await settle()
  }
  assert.equal(outbox.answers()[2], 'ack m 0')
  assert.equal(outbox.items.length, 3)
  assert.match(text(), /not even its status/)
  assert.equal(box.counters().open, 0)
  assert.deepEqual(await journal.unsettled(), [], 'the next process does not begin again')
  pages.push([])
  box.check()
  await settle()
  assert.equal(outbox.items.length, 3)
})

test('an answer that the outbox does not take for its size goes out shortened', async () => {
  const { box, ran, outbox } = mailbox([[call('m')]])
  box.check()
  await settle()
  outbox.maxChars = 1000
  const given = ran[0]?.reply.finish({ status: 0, message: 'x'.repeat(600_000) })
  await assert.rejects(given ?? Promise.resolve(), { code: 'LIMIT_EXCEEDED' })
  await settle()
  assert.match(outbox.answers()[0] ?? '', /^ack m 0 x+… \[The whole answer, 600000/)
})

test('an answer goes into the journal before it goes to the cloud', async () => {
  const { box, ran, outbox, journal } = mailbox([[call('m1')]])
  let record = () => {}
  const finish = journal.finish.bind(journal)
  journal.finish = async (id, outcome) => {
    await new Promise<void>(resolve => {
      record = resolve
    })
    await finish(id, outcome)
  }
  box.check()
  await settle()
  const answered = ran[0]?.reply.finish({ status: 0 })
  await settle()
  assert.deepEqual(outbox.answers(), [])
  record()
  await answered
  assert.deepEqual(outbox.answers(), ['ack m1 0'])
})

test('a mail of which only the id is known can be answered, once', async () => {
  const { box, outbox } = mailbox()
  const first = await box.acknowledge('old', { status: 0 })
  const second = await box.acknowledge('old', { status: 19, message: 'other' })
  assert.equal(second, first)
  outbox.items[0]?.deliver()
  await settle()
  await (await box.acknowledge('old', { status: 19 })).delivered()
  assert.deepEqual(outbox.answers(), ['ack old 0'])
})

test('a journal that fails costs neither the other mail nor the answer', async () => {
  const journal = new MemoryJournal()
  journal.accept = async id => {
    if (id === 'm1') throw new AgentError('DISK_FULL', 'full')
  }
  journal.finish = async () => Promise.reject(new AgentError('DISK_FULL', 'full'))
  const { box, ran, outbox } = mailbox([[call('m1'), call('m2')]], journal)
  box.check()
  await settle()
  assert.deepEqual(
    ran.map(one => one.mail.id),
    ['m2'],
  )
  await ran[0]?.reply.finish({ status: 0 })
  assert.deepEqual(outbox.answers(), ['ack m1 8 ERROR: the agent could not record the call.', 'ack m2 0'])
})

test('an outbox that refuses an answer does not stop the mail behind it', async () => {
  const { box, ran, outbox } = mailbox([[{ id: 'b1' }, call('m2')]])
  outbox.refusal = new AgentError('OUTBOX_FULL', 'full')
  box.check()
  await settle()
  assert.deepEqual(
    ran.map(one => one.mail.id),
    ['m2'],
  )
})

test('the memory of settled mails is bounded; open mails stay in it', async () => {
  const journal = new MemoryJournal()
  await journal.accept('open', { method: 'a', params: {} })
  for (let index = 0; index < 1500; index++) {
    await journal.finish(`m${index}`, { status: 0 })
    await journal.settle(`m${index}`)
  }
  assert.equal(await journal.find('m0'), undefined)
  assert.equal((await journal.find('m1499'))?.state, 'finished')
  assert.equal((await journal.find('open'))?.state, 'accepted')
  for (let index = 0; index < 10; index++) {
    await journal.finish(`big${index}`, { status: 0, params: { text: 'x'.repeat(250_000) } })
    await journal.settle(`big${index}`)
  }
  assert.equal(await journal.find('big5'), undefined)
  assert.equal((await journal.find('big9'))?.state, 'finished')
})

test('an answer that is still being recorded is waited for before the end [H34]', async () => {
  const { box, outbox, ran, journal } = mailbox([[call('m1')]])
  box.check()
  await settle()
  let record: () => void = () => {}
  const recorded = new Promise<void>(resolve => {
    record = resolve
  })
  const finish = journal.finish.bind(journal)
  journal.finish = async (...what) => {
    await recorded
    return finish(...what)
  }
  void ran[0]?.reply.finish({ status: 0 })
  box.close()
  let isTaken = false
  const taken = box.answersTaken().then(() => {
    isTaken = true
  })
  await settle()
  assert.equal(isTaken, false)
  record()
  await taken
  assert.equal(outbox.in('ack').length, 1)
})

test('parameters that are too deep are refused, never run, and the mail around them runs', async () => {
  const { box, ran, outbox, journal } = mailbox([
    [call('m1', 'go', nested(100_000)), call('m2', 'go', nested(64)), call('m3', 'go', nested(65)), call('m4')],
  ])
  box.check()
  await settle()
  assert.deepEqual(
    ran.map(({ mail }) => mail.id),
    ['m2', 'm4'],
  )
  const problem = 'ERROR: the parameters are nested deeper than 64 levels'
  const refused = outbox.answers()
  assert.equal(refused.length, 2)
  assert.ok(refused[0]?.startsWith(`ack m1 2 ${problem}`), refused[0])
  assert.ok(refused[1]?.startsWith(`ack m3 2 ${problem}`), refused[1])
  assert.deepEqual((await journal.find('m1'))?.outcome?.status, 2)
})

test('a call with parameters that are too deep, from the journal of a former agent, is refused and not run', async () => {
  const journal = new MemoryJournal()
  await journal.accept('m1', { method: 'go', params: nested(66) as JsonObject })
  const { box, ran, outbox } = mailbox([], journal)
  await box.resume()
  await settle()
  assert.deepEqual(ran, [])
  assert.ok(outbox.answers()[0]?.startsWith('ack m1 2 '))
})

test('of a page of 20,000 mails the first runs before the rest is accepted, and mail that comes later does not wait for all', async () => {
  const many = 20_000
  const all = Array.from({ length: many }, (_, index) => call(`m${index}`))
  // Listed twice, far behind where the first is forgotten.
  const pages: Json[][] = [[...all, call('m0'), call('m7')]]
  const { box, ran, outbox, journal } = mailbox(pages)
  outbox.instant = true
  let accepted = 0
  let maxOpen = 0
  const accept = journal.accept.bind(journal)
  journal.accept = (id, what) => {
    accepted++
    maxOpen = Math.max(maxOpen, box.counters().open)
    return accept(id, what)
  }
  let turns = 0
  let isOver = false
  const turn = () => {
    turns++
    if (!isOver) setImmediate(turn)
  }
  turn()
  box.check()
  let acceptedAtFirst: number | undefined
  let urgentAfter: number | undefined
  for (let at = 0; at < many + 1; ) {
    if (at === ran.length) await new Promise(resolve => setImmediate(resolve))
    for (; at < ran.length; at++) {
      const one = ran[at]
      acceptedAtFirst ??= accepted
      if (one?.mail.id === 'urgent') urgentAfter = at
      await one?.reply.finish({ status: 0 })
      if (at === 1000) {
        pages.push([call('urgent')])
        box.check()
      }
    }
  }
  isOver = true
  await settle()
  assert.ok(acceptedAtFirst !== undefined && acceptedAtFirst <= maxOpenMails, `${acceptedAtFirst} before the first ran`)
  assert.ok(
    urgentAfter !== undefined && urgentAfter < 1000 + 2 * maxOpenMails,
    `the later one ran as number ${urgentAfter}`,
  )
  assert.ok(maxOpen <= maxOpenMails, `${maxOpen} were open`)
  assert.ok(turns >= many / maxOpenMails, `the event loop had ${turns} turns`)
  assert.equal(new Set(ran.map(({ mail }) => mail.id)).size, many + 1)
  assert.equal(ran.length, many + 1)
  assert.equal(box.counters().repeated, 2)
  assert.equal(outbox.answers().length, many + 1)
})

test('20,000 entries that make no sense leave the event loop its turns', async () => {
  const { box, asked } = mailbox([Array.from({ length: 20_000 }, () => 7)])
  let turns = 0
  const turn = () => {
    turns++
    if (box.counters().malformed < 20_000) setImmediate(turn)
  }
  box.check()
  setImmediate(turn)
  while (box.counters().malformed < 20_000) await new Promise(resolve => setImmediate(resolve))
  assert.ok(turns >= 50, `${turns} turns`)
  await settle()
  assert.equal(asked.length, 1)
})

test('surplus that is offered again is carried out once, and more surplus than may wait is dropped', async () => {
  const page = Array.from({ length: 300 }, (_, index) => call(`m${index}`))
  const { box, ran, text } = mailbox([page, page])
  box.check()
  await settle()
  box.check()
  await settle()
  const finished = new Set<string>()
  while (finished.size < 300) {
    const open = ran.filter(({ mail }) => !finished.has(mail.id))
    assert.notEqual(open.length, 0)
    for (const { mail, reply } of open) {
      finished.add(mail.id)
      const receipt = await reply.finish({ status: 0 })
      assert.ok(receipt.accepted)
    }
    await settle()
  }
  assert.equal(ran.length, 300)
  assert.match(text(), /the cloud sends more mail than was asked for/)
})

test('stops fetching while the parameters of what runs are large', async () => {
  const large = { text: 'x'.repeat(maxOpenCallChars / 4) }
  const pages = [1, 2, 3, 4, 5].map(at => [call(`m${at}`, 'go', large)])
  const { box, ran, clock } = mailbox(pages)
  box.check()
  await clock.advance(60_000)
  assert.equal(ran.length, 4)
  await ran[0]?.reply.finish({ status: 0 })
  box.check()
  await settle()
  assert.equal(ran.length, 5)
})
