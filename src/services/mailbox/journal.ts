// SPDX-License-Identifier: Apache-2.0
import type { ActionOutcome, RecordOptions } from '../../protocol/action-reply.ts'
import type { MailCall } from './mail.ts'

/**
 * What is known of one mail. It goes `accepted` → `started` → `finished`, or by `handed over` when its action ends the
 * process; a refused one goes to `finished` directly.
 */
export interface JournalEntry {
  readonly id: string
  /** Absent when the mail is finished. */
  readonly call?: MailCall
  readonly state: 'accepted' | 'started' | 'handed over' | 'finished'
  /** Of a finished mail, its answer. Of a mail that was handed over, the answer of the next process; absent when its application answers. */
  readonly outcome?: ActionOutcome
  /** Of a mail that was handed over: the outcome holds only in another run of the system than {@link bootId}. */
  readonly onlyAfterReboot?: true
  /** The run of the system in which the action was started; absent where the system does not say it. */
  readonly bootId?: string
  /** The cloud has the answer. */
  readonly settled?: true
}

/**
 * The memory of what was carried out, so that no mail is carried out twice and each gets one answer. It alone makes the
 * answers of an earlier process anew: the outbox keeps acknowledgements in memory only.
 * Every method resolves when the fact is as safe as this journal makes it: only then may the next step be taken.
 */
export interface Journal {
  /** What is known of the mail; undefined when it was never seen. */
  find(id: string): Promise<JournalEntry | undefined>
  /** The mails that have no answer in the cloud yet, oldest first; asked once at start. */
  unsettled(): Promise<readonly JournalEntry[]>
  /** The mail was taken from the mailbox. */
  accept(id: string, call: MailCall): Promise<void>
  /** Its action is about to run. When this rejects, the action does not run. */
  start(id: string, options?: RecordOptions): Promise<void>
  /** The next process answers, with the outcome when there is one. When this rejects, nothing has changed. */
  handOver(
    id: string,
    outcome: ActionOutcome | undefined,
    options: { readonly onlyAfterReboot: boolean },
  ): Promise<void>
  /** Its outcome is known. The acknowledgement goes out only after this. */
  finish(id: string, outcome: ActionOutcome, options?: RecordOptions): Promise<void>
  /** The cloud has the acknowledgement; the entry may be forgotten when room is needed. */
  settle(id: string): Promise<void>
}
