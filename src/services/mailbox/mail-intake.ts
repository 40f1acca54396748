// SPDX-License-Identifier: Apache-2.0
import { messageOf } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import type { Log } from '../../base/log.ts'
import type { WrittenNumbers } from '../../base/written-json.ts'
import type { Receipt } from '../../outbox/outbox.ts'
import type { ActionOutcome, ActionReply } from '../../protocol/action-reply.ts'
import { Status } from '../../protocol/status.ts'
import type { Journal, JournalEntry } from './journal.ts'
import { answerOf, isLeft } from './left-mail.ts'
import { charsOf, type MailCall, refusalOf, type UsableMail } from './mail.ts'
import type { MailboxAnswers } from './mailbox-answers.ts'
import type { ProgressLines } from './progress-lines.ts'

/** Carries out a mail: returns at once, reports through `reply`, never throws. */
export type ExecuteMail = (
  mail: { id: string; name: string; params: JsonObject; written?: WrittenNumbers },
  reply: ActionReply<Receipt>,
) => void

interface MailIntakeParts {
  readonly journal: Journal
  readonly answers: MailboxAnswers
  readonly progress: ProgressLines
  readonly execute: ExecuteMail
  readonly log: Log
  readonly bootId?: string | undefined
}

/** Takes one mail after the other: new ones are carried out, those that were seen before are answered from the journal. */
export class MailIntake {
  readonly #journal: Journal
  readonly #answers: MailboxAnswers
  readonly #progress: ProgressLines
  readonly #execute: ExecuteMail
  readonly #log: Log
  readonly #bootId: string | undefined
  readonly #counts = { mails: 0, repeated: 0, malformed: 0 }

  constructor(parts: MailIntakeParts) {
    this.#journal = parts.journal
    this.#answers = parts.answers
    this.#progress = parts.progress
    this.#execute = parts.execute
    this.#log = parts.log
    this.#bootId = parts.bootId
  }

  get counts(): { readonly mails: number; readonly repeated: number; readonly malformed: number } {
    return this.#counts
  }

  /** A mail was offered again. */
  repeated(): void {
    this.#counts.repeated++
  }

  /** An entry of a page makes no sense. */
  malformed(problem: string, id?: string): void {
    this.#counts.malformed++
    this.#log.limited('mail malformed', 'warn', 'mail makes no sense', { error: problem, id })
  }

  /** Takes one mail; whatever is wrong with it, the next ones still get their turn. Resolves to whether it was new. */
  async take(mail: UsableMail): Promise<boolean> {
    const { id } = mail
    try {
      if (await this.#isRepeated(id)) return false
      this.#counts.mails++
      if (mail.kind === 'call') {
        this.#answers.expect(id, charsOf(mail.call))
        await this.#journal.accept(id, mail.call)
        this.#run(id, mail.call)
      } else {
        this.malformed(mail.outcome.message ?? '', id)
        this.#answer(id, mail.outcome)
      }
    } catch (error) {
      this.#log.error('mail not taken', { id, error: messageOf(error) })
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

  async resume(entry: JournalEntry): Promise<void> {
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
        update: text => this.#progress.send(id, text),
        handOver: (outcome, { onlyAfterReboot = false }) => this.#journal.handOver(id, outcome, { onlyAfterReboot }),
        finish: (outcome, options) => this.#answers.give(id, outcome, options),
      },
    )
  }
}
