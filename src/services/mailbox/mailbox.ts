import { backoffMs } from '../../base/backoff.ts'
import type { Clock, Timer } from '../../base/clock.ts'
import { type AgentError, asAgentError, messageOf } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import type { Log } from '../../base/log.ts'
import { nextTurn } from '../../base/wait.ts'
import type { WrittenNumbers } from '../../base/written-json.ts'
import type { LaneInput, Receipt } from '../../outbox/outbox.ts'
import type { ActionOutcome, ActionReply } from '../../protocol/action-reply.ts'
import type { Ask } from '../../protocol/ask.ts'
import { limits } from '../../protocol/limits.ts'
import { Status } from '../../protocol/status.ts'
import { fetchPage } from './fetch-page.ts'
import type { Journal, JournalEntry } from './journal.ts'
import { answerOf, isLeft, type LeftMail } from './left-mail.ts'
import { charsOf, type Mail, type MailCall, refusalOf, type UsableMail } from './mail.ts'
import { MailboxAnswers } from './mailbox-answers.ts'
import { Page, sortMails, takePortion } from './page.ts'
import { nextPageMails } from './page-size.ts'
import { ProgressLines } from './progress-lines.ts'

/** Carries out a mail: returns at once, reports through `reply`, never throws. */
export type ExecuteMail = (
  mail: { id: string; name: string; params: JsonObject; written?: WrittenNumbers },
  reply: ActionReply<Receipt>,
) => void

export interface MailboxCounters {
  /** Checks that the cloud answered. */
  readonly checks: number
  /** Mails carried out or refused. */
  readonly mails: number
  /** Mails offered again. */
  readonly repeated: number
  /** Entries that made no sense. */
  readonly malformed: number
  /** Mails whose answer the cloud does not have yet. */
  readonly open: number
  /** Whether no more mail is fetched until some of the open ones are answered. */
  readonly full: boolean
}

/** How many mails may be without a delivered answer; at that number no more are fetched until some are answered. */
export const maxOpenMails = 200
/** The same for the characters of their answers. */
export const maxOpenChars = 4 * 1024 * 1024
/** The same for the characters of the parameters of those that are not answered. */
export const maxOpenCallChars = 16 * 1024 * 1024
/** How many characters of mail may wait that nobody asked for: the longest reply, however small its mails are. What is more is dropped. */
const maxSurplusChars = 5 * limits.maxReplyBytes

// Drawn from the upper half: 10 to 20 minutes.
const slowCheck = { firstMs: 20 * 60_000, maxMs: 20 * 60_000 }
const retry = { firstMs: 5_000, maxMs: 5 * 60_000 }
/** A cloud may have a bound of its own, so a page that had room for more may not have been all. The answers go first. */
const lookAgainMs = 1000

const largePageText = 'a page of mail was too large; its mails are taken one by one, and fewer are asked for'

/**
 * Fetches the mail of our thing and answers each exactly once [TR50 4]. One check is outstanding at most; whoever asks
 * meanwhile causes one more afterwards. What was seen before is answered from the journal and not carried out.
 */
export class Mailbox {
  readonly #ask: Ask
  readonly #journal: Journal
  readonly #execute: ExecuteMail
  readonly #clock: Clock
  readonly #log: Log
  readonly #bootId: string | undefined
  readonly #answers: MailboxAnswers
  readonly #progress: ProgressLines
  readonly #counts = { checks: 0, mails: 0, repeated: 0, malformed: 0 }
  /** Told about the mails of a page that are not taken. */
  readonly #sorting = {
    repeated: () => this.#counts.repeated++,
    unusable: (problem: string) => this.#malformed(problem),
  }
  /** What was handed over before this process: nothing can join it. */
  #left: readonly JournalEntry[] | undefined
  #wanted = false
  #checking = false
  /** The last page had room for no more mail, and some of it was new. */
  #expectsMore = false
  /**
   * What a page brought beyond what was asked for, taken by portions. A cloud that keeps to the limit sends no such page; one that does
   * not has handed this mail out for good, and gets its answers all the same.
   */
  readonly #surplus = new Page()
  /** How many new mails a check asks for. */
  #pageMails: number = limits.mailboxPage
  #failures = 0
  #next: Timer | undefined
  #closed = false

  constructor(parts: {
    ask: Ask
    outbox: LaneInput<'ack'>
    journal: Journal
    execute: ExecuteMail
    clock: Clock
    log: Log
    /** Identity of the present run of the system; tells a reboot from a restart. */
    bootId?: string | undefined
  }) {
    this.#ask = parts.ask
    this.#journal = parts.journal
    this.#execute = parts.execute
    this.#clock = parts.clock
    this.#log = parts.log
    this.#bootId = parts.bootId
    const { outbox, journal, log } = parts
    this.#progress = new ProgressLines(outbox)
    this.#answers = new MailboxAnswers({ outbox, journal, log, onRoom: () => this.#goOn() })
  }

  /** Takes up the mails that an earlier process left unanswered. Before the first check. */
  async resume(): Promise<void> {
    const unsettled = await this.#journal.unsettled()
    this.#left ??= unsettled.filter(isLeft)
    for (const entry of unsettled) await this.#resumeOne(entry)
  }

  /** The mails that an earlier process handed over without an answer, oldest first. */
  async left(): Promise<readonly LeftMail[]> {
    this.#left ??= (await this.#journal.unsettled()).filter(isLeft)
    const still: LeftMail[] = []
    for (const { id } of this.#left) {
      const entry = await this.#journal.find(id)
      if (entry?.call !== undefined && isLeft(entry)) still.push({ id, name: entry.call.method })
    }
    return still
  }

  /** Asks for mail: now, or once more after the check that is under way. */
  check(): void {
    if (this.#closed) return
    this.#wanted = true
    if (!this.#checking) void this.#checkWhileWanted()
  }

  /** No more checks; mails that are being carried out can still be answered. */
  close(): void {
    this.#closed = true
    this.#next?.cancel()
    this.#surplus.clear()
  }

  /** Answers a mail of which only the id is known, such as one that an earlier process left open. The first answer counts. */
  async acknowledge(id: string, outcome: ActionOutcome): Promise<Receipt> {
    return this.#answers.giveOnce(id, outcome)
  }

  /** Adds a line to the history of a mail [TR50 mailbox.update]. */
  update(id: string, text: string): Promise<Receipt> {
    return this.#progress.send(id, text)
  }

  /** Resolves when the outbox has every answer that was given so far; an answer is written to the journal first. */
  answersTaken(): Promise<void> {
    return this.#answers.taken()
  }

  counters(): MailboxCounters {
    return { ...this.#counts, open: this.#answers.open, full: !this.#hasRoom() }
  }

  async #checkWhileWanted(): Promise<void> {
    this.#checking = true
    this.#next?.cancel()
    let lookAgain = false
    try {
      // With no room left the wish stays, and the next delivered answer takes it up.
      while (!this.#closed && this.#hasWork()) {
        const isCheck = this.#isCheckDue()
        if (isCheck) this.#wanted = this.#expectsMore = false
        const fresh = await (isCheck ? this.#checkOnce() : this.#takeSurplus())
        lookAgain = fresh > 0
        this.#failures = 0
      }
      this.#checkAfter(lookAgain ? lookAgainMs : backoffMs(slowCheck, 0, this.#clock.random()))
    } catch (error) {
      this.#checkFailed(asAgentError(error))
    }
    this.#checking = false
  }

  #hasWork(): boolean {
    return this.#isCheckDue() || (this.#surplus.size > 0 && this.#hasRoom(limits.mailboxPage))
  }

  /** Between the portions of a page that is too long, mail that somebody told us of has its turn. */
  #isCheckDue(): boolean {
    return this.#hasRoom() && (this.#wanted || (this.#expectsMore && this.#surplus.size === 0))
  }

  /** One page; resolves to the number of mails that were new. */
  async #checkOnce(): Promise<number> {
    // Open mails may be offered again [TR50 4.4]: with them counted in, they cannot keep new ones out of the page.
    const { open } = this.#answers
    const most = Math.min(this.#pageMails, maxOpenMails - open) + open
    const { mails, listed, failure } = await fetchPage(this.#ask, most, {
      late: mails => this.#takeLate(mails),
      large: facts => this.#log.limited('mail large', 'warn', largePageText, facts),
    })
    this.#pageMails = nextPageMails(this.#pageMails, failure)
    if (failure === undefined || failure.code === 'LIMIT_EXCEEDED') {
      this.#counts.checks++
      await this.#answers.retry()
    }
    const page = await sortMails(mails, this.#sorting)
    const fresh = await this.#takePortion(page, most)
    this.#keep(page, listed > most)
    if (failure !== undefined && (failure.code !== 'LIMIT_EXCEEDED' || listed === 0)) throw failure
    this.#expectsMore = fresh > 0 && (failure !== undefined || listed >= most)
    return fresh
  }

  /** Mail that came after its check had been given up: it waits until there is time for it. */
  #takeLate(mails: readonly Mail[]): void {
    if (this.#closed) return
    this.#log.info('mail came after its check had been given up', { mails: mails.length })
    sortMails(mails, this.#sorting).then(
      page => {
        this.#keep(page, false)
        this.#goOn()
      },
      error => this.#log.error('late mail not taken', { why: messageOf(error) }),
    )
  }

  #takePortion(page: Page, most: number): Promise<number> {
    return takePortion(page, most, mail => this.#take(mail))
  }

  async #takeSurplus(): Promise<number> {
    await nextTurn()
    return this.#takePortion(this.#surplus, limits.mailboxPage)
  }

  /** Keeps what is beyond the limit for the next portions. */
  #keep(page: Page, isTooLong: boolean): void {
    const mails = page.size
    let dropped = 0
    for (let mail = page.shift(); mail !== undefined; mail = page.shift()) {
      if (this.#surplus.has(mail.id) || this.#answers.isOpen(mail.id)) this.#counts.repeated++
      else if (this.#surplus.chars < maxSurplusChars) this.#surplus.add(mail)
      else dropped++
    }
    if (isTooLong || dropped > 0)
      this.#log.limited('mail surplus', 'warn', 'the cloud sends more mail than was asked for', { mails, dropped })
  }

  #checkFailed(error: AgentError): void {
    if (this.#closed || error.code === 'CLOSED') return
    if (error.code === 'NOT_CONNECTED' || error.code === 'LINK_LOST') {
      // The next link brings a check of its own; it may have come while this one was ending.
      if (this.#wanted) queueMicrotask(() => this.check())
      return
    }
    this.#log.limited(`mailbox ${error.code}`, 'warn', 'mailbox check failed', { why: error.message })
    this.#checkAfter(backoffMs(retry, this.#failures++, this.#clock.random()))
  }

  #checkAfter(delayMs: number): void {
    this.#next?.cancel()
    if (!this.#closed) this.#next = this.#clock.timer(delayMs, () => this.check(), { background: true })
  }

  /** Takes one mail; whatever is wrong with it, the next ones still get their turn. Resolves to whether it was new. */
  async #take(mail: UsableMail): Promise<boolean> {
    const { id } = mail
    try {
      if (await this.#isRepeated(id)) return false
      this.#counts.mails++
      if (mail.kind === 'call') {
        this.#answers.expect(id, charsOf(mail.call))
        await this.#journal.accept(id, mail.call)
        this.#run(id, mail.call)
      } else {
        this.#malformed(mail.outcome.message ?? '', id)
        this.#answer(id, mail.outcome)
      }
    } catch (error) {
      this.#log.error('mail not taken', { id, why: messageOf(error) })
      this.#answer(id, { status: Status.IoError, message: 'ERROR: the agent could not record the call.' })
    }
    return true
  }

  async #isRepeated(id: string): Promise<boolean> {
    const known = await this.#journal.find(id)
    if (known === undefined && !this.#answers.isOpen(id)) return false
    this.#counts.repeated++
    // While its answer is being made or on its way, there is nothing to add.
    if (this.#answers.isOpen(id)) return true
    this.#log.info('mail offered again; answered as before', { id })
    if (known?.outcome !== undefined) this.#answer(id, known.outcome)
    return true
  }

  async #resumeOne(entry: JournalEntry): Promise<void> {
    const { id, call, state } = entry
    this.#answers.expect(id, call === undefined ? 0 : charsOf(call))
    if (state === 'accepted' && call !== undefined) {
      const refusal = refusalOf(call.params)
      if (refusal === undefined) this.#run(id, call)
      else this.#answer(id, refusal)
      return
    }
    if (isLeft(entry)) {
      this.#log.info('a mail of an earlier run waits for its answer', { id, action: call?.method })
      return
    }
    const answer = answerOf(entry, this.#bootId)
    this.#log.info('answering a mail of an earlier run', { id, status: answer.status })
    if (state === 'handed over') await this.#journal.finish(id, answer)
    this.#answer(id, answer)
  }

  /** For those who cannot do anything about a failure; it is seen to. */
  #answer(id: string, outcome: ActionOutcome): void {
    this.#answers.give(id, outcome).catch(() => {})
  }

  #run(id: string, { method, params, written }: MailCall): void {
    this.#execute(
      { id, name: method, params, ...(written === undefined ? {} : { written }) },
      {
        started: options => this.#journal.start(id, options),
        update: text => this.update(id, text),
        handOver: (outcome, { onlyAfterReboot = false }) => this.#journal.handOver(id, outcome, { onlyAfterReboot }),
        finish: (outcome, options) => this.#answers.give(id, outcome, options),
      },
    )
  }

  /** Whether more mail may be taken; with `reserve`, whether room for so many others is left. */
  #hasRoom(reserve = 0): boolean {
    const { open, openChars, openCallChars } = this.#answers
    return open < maxOpenMails - reserve && openChars < maxOpenChars && openCallChars < maxOpenCallChars
  }

  #goOn(): void {
    if (!this.#closed && !this.#checking && this.#hasWork()) void this.#checkWhileWanted()
  }

  #malformed(problem: string, id?: string): void {
    this.#counts.malformed++
    this.#log.limited('mail malformed', 'warn', 'mail makes no sense', { problem, id })
  }
}
