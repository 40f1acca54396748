// SPDX-License-Identifier: Apache-2.0
import { backoffMs } from '../../base/backoff.ts'
import type { Clock, Timer } from '../../base/clock.ts'
import { type AgentError, asAgentError, messageOf } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { nextTurn } from '../../base/wait.ts'
import type { LaneInput, Receipt } from '../../outbox/outbox.ts'
import type { ActionOutcome } from '../../protocol/action-reply.ts'
import type { Ask } from '../../protocol/ask.ts'
import { limits } from '../../protocol/limits.ts'
import { fetchPage } from './fetch-page.ts'
import type { Journal, JournalEntry } from './journal.ts'
import { isLeft, type LeftMail } from './left-mail.ts'
import type { Mail } from './mail.ts'
import { type ExecuteMail, MailIntake } from './mail-intake.ts'
import { MailboxAnswers } from './mailbox-answers.ts'
import { Page, sortMails, takePortion } from './page.ts'
import { nextPageMails } from './page-size.ts'
import { ProgressLines } from './progress-lines.ts'

/** Counts of the mailbox since the start. */
export interface MailboxCounters {
  /** Checks that the cloud answered. */
  readonly checks: number
  /** Mails carried out or refused. */
  readonly mails: number
  /** Mails offered again. */
  readonly repeated: number
  /** Entries that made no sense. */
  readonly malformed: number
  /** Mails that have no answer in the cloud yet. */
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
/** How many characters of mail may wait beyond what was asked for: the longest reply, however small its mails are. The rest is dropped. */
const maxSurplusChars = 5 * limits.maxReplyBytes

// Drawn from the upper half: 10 to 20 minutes.
const slowCheck = { firstMs: 20 * 60_000, maxMs: 20 * 60_000 }
const retry = { firstMs: 5_000, maxMs: 5 * 60_000 }
/** A cloud may have a bound of its own, so a page that had room for more may not have been all. The answers go first. */
const lookAgainMs = 1000

const largePageText = 'a page of mail was too large; its mails are taken one by one, and fewer are asked for'

/**
 * Fetches the mail of our thing and answers each exactly once [TR50 4]. One check is outstanding at most; a call of
 * {@link check} meanwhile causes one more afterwards. What was seen before is answered from the journal and not carried out.
 */
export class Mailbox {
  readonly #ask: Ask
  readonly #journal: Journal
  readonly #clock: Clock
  readonly #log: Log
  readonly #answers: MailboxAnswers
  readonly #progress: ProgressLines
  readonly #intake: MailIntake
  #checks = 0
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
    /** Identity of the present run of the system; distinguishes a reboot from a restart. */
    bootId?: string | undefined
  }) {
    this.#ask = parts.ask
    this.#journal = parts.journal
    this.#clock = parts.clock
    this.#log = parts.log
    const { outbox, journal, execute, log, bootId } = parts
    this.#progress = new ProgressLines(outbox)
    this.#answers = new MailboxAnswers({ outbox, journal, log, onRoom: () => this.#goOn() })
    this.#intake = new MailIntake({
      journal,
      answers: this.#answers,
      progress: this.#progress,
      execute,
      log,
      bootId,
    })
  }

  /** Takes up the mails that an earlier process left unanswered. Before the first check. */
  async resume(): Promise<void> {
    const unsettled = await this.#journal.unsettled()
    this.#left ??= unsettled.filter(isLeft)
    for (const entry of unsettled) await this.#intake.resume(entry)
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

  /** Answers a mail of which only the id is known, because an earlier process left it open. The first answer counts. */
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
    return { checks: this.#checks, ...this.#intake.counts, open: this.#answers.open, full: !this.#hasRoom() }
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

  /** Between the portions of a page that is too long, mail that the cloud has announced has its turn. */
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
      this.#checks++
      await this.#answers.retry()
    }
    const page = await sortMails(mails, this.#intake)
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
    sortMails(mails, this.#intake).then(
      page => {
        this.#keep(page, false)
        this.#goOn()
      },
      error => this.#log.error('late mail not taken', { error: messageOf(error) }),
    )
  }

  #takePortion(page: Page, most: number): Promise<number> {
    return takePortion(page, most, mail => this.#intake.take(mail))
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
      if (this.#surplus.has(mail.id) || this.#answers.isOpen(mail.id)) this.#intake.repeated()
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
    this.#log.limited(`mailbox ${error.code}`, 'warn', 'mailbox check failed', { error: error.message })
    this.#checkAfter(backoffMs(retry, this.#failures++, this.#clock.random()))
  }

  #checkAfter(delayMs: number): void {
    this.#next?.cancel()
    if (!this.#closed) this.#next = this.#clock.timer(delayMs, () => this.check(), { background: true })
  }

  /** Whether more mail may be taken; with `reserve`, whether room for so many others is left. */
  #hasRoom(reserve = 0): boolean {
    const { open, openChars, openCallChars } = this.#answers
    return open < maxOpenMails - reserve && openChars < maxOpenChars && openCallChars < maxOpenCallChars
  }

  #goOn(): void {
    if (!this.#closed && !this.#checking && this.#hasWork()) void this.#checkWhileWanted()
  }
}
