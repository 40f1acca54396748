// SPDX-License-Identifier: Apache-2.0
import { type AgentError, asAgentError, messageOf } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { LaneInput, Receipt } from '../../outbox/outbox.ts'
import type { ActionOutcome, RecordOptions } from '../../protocol/action-reply.ts'
import { mailboxAck } from '../../protocol/commands.ts'
import type { Journal } from './journal.ts'
import { shorterOutcome } from './shorter-outcome.ts'

const delivered: Receipt = { accepted: true, delivered: () => Promise.resolve() }

/**
 * The way of the answers to the cloud. A mail has one answer: the first that reaches the journal. It goes out when it is
 * recorded, once at a time, until the cloud has it or does not want it.
 */
export class MailboxAnswers {
  readonly #outbox: LaneInput<'ack'>
  readonly #journal: Journal
  readonly #log: Log
  readonly #onRoom: () => void
  /** Mails that have no answer in the cloud yet. */
  readonly #open = new Set<string>()
  readonly #underWay = new Map<string, Promise<Receipt>>()
  readonly #chars = new Map<string, number>()
  #openChars = 0
  readonly #callChars = new Map<string, number>()
  #openCallChars = 0
  /** Answers that the outbox could not deliver. */
  readonly #lost = new Set<string>()

  constructor(parts: {
    outbox: LaneInput<'ack'>
    journal: Journal
    log: Log
    /** There is an open mail less. */
    onRoom: () => void
  }) {
    this.#outbox = parts.outbox
    this.#journal = parts.journal
    this.#log = parts.log
    this.#onRoom = parts.onRoom
  }

  /** How many mails are without a delivered answer. */
  get open(): number {
    return this.#open.size
  }

  /** How many characters the answers have that are on their way. */
  get openChars(): number {
    return this.#openChars
  }

  /** How many characters the parameters have of the calls that are not answered. */
  get openCallChars(): number {
    return this.#openCallChars
  }

  /** Whether the answer of a mail is being made or on its way. */
  isOpen(id: string): boolean {
    return this.#open.has(id)
  }

  /** The mail is going to be answered; until then its call takes `callChars` characters. */
  expect(id: string, callChars: number): void {
    this.#open.add(id)
    this.#callEnded(id)
    if (callChars > 0) this.#callChars.set(id, callChars)
    this.#openCallChars += callChars
  }

  /** Answers a mail, unless it has an answer already; then it is that one. All who ask meanwhile share one receipt. */
  give(id: string, outcome: ActionOutcome, options?: RecordOptions): Promise<Receipt> {
    const underWay = this.#underWay.get(id)
    if (underWay !== undefined) return underWay
    this.#open.add(id)
    const answer = this.#recordAndSend(id, outcome, options)
    this.#underWay.set(id, answer)
    answer.then(receipt => this.#watch(id, receipt)).catch(error => this.#undelivered(id, asAgentError(error)))
    return answer
  }

  /** Resolves when the outbox has every answer that was given so far, or has refused it: until then a flush would miss it. */
  async taken(): Promise<void> {
    await Promise.allSettled(this.#underWay.values())
  }

  /** As {@link give}; for an answer that the cloud has already, nothing is sent. */
  async giveOnce(id: string, outcome: ActionOutcome): Promise<Receipt> {
    return (await this.#journal.find(id))?.settled ? delivered : this.give(id, outcome)
  }

  /** Sends again what could not be delivered. */
  async retry(): Promise<void> {
    const ids = [...this.#lost]
    this.#lost.clear()
    for (const id of ids) {
      const outcome = (await this.#journal.find(id))?.outcome
      if (outcome !== undefined) await this.give(id, outcome).catch(() => {})
    }
  }

  async #recordAndSend(id: string, outcome: ActionOutcome, options?: RecordOptions): Promise<Receipt> {
    const { status, message, params } = await this.#recorded(id, outcome, options)
    this.#callEnded(id)
    this.#count(id, (message?.length ?? 0) + (params === undefined ? 0 : JSON.stringify(params).length))
    const ack = mailboxAck({
      id,
      errorCode: status,
      errorMessage: message,
      params,
    })
    return this.#outbox.put('ack', { ...ack })
  }

  /** The answer that counts; it is in the journal then. */
  async #recorded(id: string, outcome: ActionOutcome, options?: RecordOptions): Promise<ActionOutcome> {
    try {
      const known = await this.#journal.find(id)
      if (known?.outcome !== undefined) return known.outcome
      await this.#journal.finish(id, outcome, options)
    } catch (error) {
      // The answer is worth more than the memory of it.
      this.#log.error('outcome of a mail was not recorded', { id, error: messageOf(error) })
    }
    return outcome
  }

  /** Waits until the cloud has the answer. */
  async #watch(id: string, receipt: Receipt): Promise<void> {
    try {
      await receipt.delivered()
    } catch (error) {
      const { code, message } = asAgentError(error)
      if (code !== 'REFUSED_BY_CLOUD') throw error
      // The mail was answered before, or has expired: no answer is wanted any more [TR50 4.4].
      this.#log.info('the cloud does not want the answer of a mail', { id, error: message })
    }
    try {
      if (!(await this.#journal.find(id))?.settled) await this.#journal.settle(id)
    } catch (error) {
      this.#log.warn('the end of a mail was not recorded', { id, error: messageOf(error) })
    }
    this.#close(id)
  }

  async #undelivered(id: string, { code, message }: AgentError): Promise<void> {
    if (code === 'LIMIT_EXCEEDED') return this.#giveShorter(id, message)
    // The next process answers what this one could not.
    if (code !== 'CLOSED') {
      this.#log.warn('answer of a mail was not delivered; it is sent again later', { id, error: message })
      this.#lost.add(id)
    }
    this.#close(id)
  }

  /**
   * The answer as it is never gets through: the cloud hears the status at least. The journal forgets the long one, so that the
   * next process does not begin with it again.
   */
  async #giveShorter(id: string, error: string): Promise<void> {
    try {
      const outcome = (await this.#journal.find(id))?.outcome
      const shorter = outcome === undefined ? undefined : shorterOutcome(outcome)
      if (shorter === undefined) {
        this.#log.error('answer of a mail cannot be delivered, not even its status; it is given up', { id, error })
        await this.#journal.settle(id)
        this.#close(id)
        return
      }
      this.#log.warn('answer of a mail is too long for the way to the cloud; it is sent shortened', { id, error })
      await this.#journal.finish(id, shorter)
      this.#underWay.delete(id)
      await this.give(id, shorter)
    } catch (error) {
      // The second answer sees to itself; what failed here is the memory of it.
      this.#log.error('shortened answer of a mail was not recorded', { id, error: messageOf(error) })
      this.#close(id)
    }
  }

  #count(id: string, chars: number): void {
    this.#openChars += chars - (this.#chars.get(id) ?? 0)
    if (chars > 0) this.#chars.set(id, chars)
    else this.#chars.delete(id)
  }

  #callEnded(id: string): void {
    this.#openCallChars -= this.#callChars.get(id) ?? 0
    this.#callChars.delete(id)
  }

  #close(id: string): void {
    this.#open.delete(id)
    this.#callEnded(id)
    this.#underWay.delete(id)
    this.#count(id, 0)
    this.#onRoom()
  }
}
