import { backoffMs } from '../../base/backoff.ts'
import type { Clock, Timer } from '../../base/clock.ts'
import { AgentError, asAgentError, messageOf } from '../../base/errors.ts'
import type { Json, JsonObject } from '../../base/json.ts'
import type { Log } from '../../base/log.ts'
import type { Receipt } from '../../outbox/outbox.ts'
import type { Ask } from '../../protocol/ask.ts'
import { mailboxAck, mailboxCheck, mailboxUpdate } from '../../protocol/commands.ts'
import { limits } from '../../protocol/limits.ts'
import { Status } from '../../protocol/status.ts'
import type { Journal, JournalEntry } from './journal.ts'
import { type MailCall, type MailOutcome, parseMail } from './mail.ts'

/** Where the one who carries out a mail reports. */
export interface MailReply {
  started(): Promise<void>
  update(text: string): Promise<Receipt>
  finish(outcome: MailOutcome): Promise<Receipt>
}

/** Carries out a mail: returns at once, reports through `reply`, never throws. */
export type ExecuteMail = (mail: { id: string; name: string; params: JsonObject }, reply: MailReply) => void

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
}

/** How many mails may be without a delivered answer; at that number no more are fetched until some are answered. */
export const mostOpenMails = 200

// Drawn from the upper half: 10 to 20 minutes.
const slowCheck = { firstMs: 20 * 60_000, mostMs: 20 * 60_000 }
const retry = { firstMs: 5_000, mostMs: 5 * 60_000 }

/**
 * Fetches the mail of our thing and answers each exactly once [TR50 4]. One check is outstanding at most; whoever asks
 * meanwhile causes one more afterwards. What was seen before is answered from the journal and not carried out.
 */
export class Mailbox {
  readonly #ask: Ask
  readonly #outbox: { put(lane: 'ack', item: JsonObject): Promise<Receipt> }
  readonly #journal: Journal
  readonly #execute: ExecuteMail
  readonly #clock: Clock
  readonly #log: Log
  /** Mails whose answer the cloud does not have yet. */
  readonly #open = new Set<string>()
  readonly #counts = { checks: 0, mails: 0, repeated: 0, malformed: 0 }
  #wanted = false
  #checking = false
  #failures = 0
  #next: Timer | undefined
  #closed = false

  constructor(parts: {
    ask: Ask
    outbox: { put(lane: 'ack', item: JsonObject): Promise<Receipt> }
    journal: Journal
    execute: ExecuteMail
    clock: Clock
    log: Log
  }) {
    this.#ask = parts.ask
    this.#outbox = parts.outbox
    this.#journal = parts.journal
    this.#execute = parts.execute
    this.#clock = parts.clock
    this.#log = parts.log
  }

  /** Takes up the mails that an earlier process left unanswered. Before the first check. */
  async resume(): Promise<void> {
    for (const entry of await this.#journal.unsettled()) this.#resumeOne(entry)
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
  }

  /** Answers a mail of which only the id is known, such as one that an earlier process left open. */
  async acknowledge(id: string, outcome: MailOutcome): Promise<Receipt> {
    const known = await this.#journal.find(id)
    return this.#finish(id, known?.outcome ?? outcome)
  }

  /** Adds a line to the history of a mail [TR50 mailbox.update]. */
  async update(id: string, text: string): Promise<Receipt> {
    return this.#outbox.put('ack', { ...mailboxUpdate({ id, msg: text }) })
  }

  counters(): MailboxCounters {
    return { ...this.#counts, open: this.#open.size }
  }

  async #checkWhileWanted(): Promise<void> {
    this.#checking = true
    this.#next?.cancel()
    try {
      // With no room left the wish stays, and the next delivered answer takes it up.
      while (this.#wanted && !this.#closed && this.#open.size < mostOpenMails) {
        this.#wanted = false
        if ((await this.#checkOnce()) > 0) this.#wanted = true
        this.#failures = 0
      }
      this.#checkAfter(backoffMs(slowCheck, 0, this.#clock.random()))
    } catch (error) {
      this.#checkFailed(asAgentError(error))
    }
    this.#checking = false
  }

  /** One page; resolves to the number of mails that were new. */
  async #checkOnce(): Promise<number> {
    // Open mails may be offered again [TR50 4.4]: with them counted in, they cannot keep new ones out of the page.
    const room = Math.min(limits.mailboxPage, mostOpenMails - this.#open.size)
    const { messages = [] } = await this.#ask(() => mailboxCheck(room + this.#open.size))
    this.#counts.checks++
    if (!Array.isArray(messages))
      throw new AgentError('PROTOCOL_VIOLATION', 'The cloud answered mailbox.check with messages that are no list.')
    let fresh = 0
    for (const entry of messages) if (await this.#take(entry)) fresh++
    return fresh
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

  /** Takes one entry of a page; whatever is wrong with it, the next ones still get their turn. Resolves to whether it was new. */
  async #take(entry: Json): Promise<boolean> {
    const mail = parseMail(entry)
    if (mail.kind === 'unusable') {
      this.#malformed(mail.problem)
      return false
    }
    try {
      if (await this.#isRepeated(mail.id)) return false
      this.#open.add(mail.id)
      this.#counts.mails++
      await this.#journal.accept(mail.id, mail.kind === 'call' ? mail.call : undefined)
      if (mail.kind === 'call') {
        this.#run(mail.id, mail.call)
      } else {
        this.#malformed(mail.outcome.message ?? '', mail.id)
        await this.#answer(mail.id, mail.outcome)
      }
    } catch (error) {
      this.#log.error('mail not taken', { id: mail.id, why: messageOf(error) })
      await this.#answer(mail.id, { status: Status.IoError, message: 'ERROR: the agent could not record the call.' })
    }
    return true
  }

  async #isRepeated(id: string): Promise<boolean> {
    const known = await this.#journal.find(id)
    if (known === undefined && !this.#open.has(id)) return false
    this.#counts.repeated++
    // While its answer is being made or on its way, there is nothing to add.
    if (this.#open.has(id)) return true
    this.#log.info('mail offered again; answered as before', { id })
    if (known?.outcome !== undefined) await this.#answer(id, known.outcome)
    return true
  }

  #resumeOne(entry: JournalEntry): void {
    const { id, call, state, outcome } = entry
    this.#open.add(id)
    if (state === 'accepted' && call !== undefined) {
      this.#run(id, call)
      return
    }
    const answer = outcome ?? { status: Status.Failure, message: 'ERROR: the agent ended while the action ran.' }
    this.#log.info('answering a mail of an earlier run', { id, status: answer.status })
    void this.#answer(id, answer)
  }

  /** As {@link #finish} for those who cannot do anything about a failure. */
  async #answer(id: string, outcome: MailOutcome): Promise<void> {
    try {
      await this.#finish(id, outcome)
    } catch (error) {
      this.#unanswered(id, error)
    }
  }

  #run(id: string, { method, params }: MailCall): void {
    this.#execute(
      { id, name: method, params },
      {
        started: () => this.#journal.start(id),
        update: text => this.update(id, text),
        finish: outcome => this.#finish(id, outcome),
      },
    )
  }

  async #finish(id: string, outcome: MailOutcome): Promise<Receipt> {
    this.#open.add(id)
    try {
      await this.#journal.finish(id, outcome)
    } catch (error) {
      // The answer is worth more than the memory of it.
      this.#log.error('outcome of a mail was not recorded', { id, why: messageOf(error) })
    }
    const { status, message, params } = outcome
    const ack = mailboxAck({
      id,
      errorCode: status,
      ...(message === undefined ? {} : { errorMessage: message }),
      ...(params === undefined ? {} : { params }),
    })
    try {
      const receipt = await this.#outbox.put('ack', { ...ack })
      this.#watch(id, receipt).catch(error => this.#unanswered(id, error))
      return receipt
    } catch (error) {
      this.#closeMail(id)
      throw error
    }
  }

  /** Waits until the cloud has the answer. */
  async #watch(id: string, receipt: Receipt): Promise<void> {
    try {
      await receipt.delivered()
    } catch (error) {
      const { code, message } = asAgentError(error)
      if (code !== 'REFUSED_BY_CLOUD') throw error
      // Somebody answered it before, or it has expired: nothing is left to say [TR50 4.4].
      this.#log.info('the cloud does not want the answer of a mail', { id, why: message })
    }
    await this.#journal.settle(id)
    this.#closeMail(id)
  }

  #unanswered(id: string, error: unknown): void {
    this.#closeMail(id)
    const { code, message } = asAgentError(error)
    if (code !== 'CLOSED') this.#log.warn('answer of a mail was not delivered', { id, why: message })
  }

  #closeMail(id: string): void {
    this.#open.delete(id)
    if (this.#wanted && !this.#checking) this.check()
  }

  #malformed(problem: string, id?: string): void {
    this.#counts.malformed++
    this.#log.limited('mail malformed', 'warn', 'mail makes no sense', { problem, id })
  }
}
