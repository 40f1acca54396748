import type { MailCall, MailOutcome } from './mail.ts'

/** What is known of one mail. It goes `accepted` → `started` → `finished`; a refused one goes to `finished` directly. */
export interface JournalEntry {
  readonly id: string
  /** Absent when the mail was refused without being carried out. */
  readonly call?: MailCall
  readonly state: 'accepted' | 'started' | 'finished'
  /** Present when the state is `finished`. */
  readonly outcome?: MailOutcome
  /** The run of the system in which the action was started; absent where the system does not tell. */
  readonly bootId?: string
}

/**
 * The memory of what was carried out, so that no mail is carried out twice and each gets one answer.
 * Every method resolves when the fact is as safe as this journal makes it: only then may the next step be taken.
 */
export interface Journal {
  /** What is known of the mail; undefined when it was never seen. */
  find(id: string): Promise<JournalEntry | undefined>
  /** The mails whose answer the cloud does not have yet, oldest first; asked once at start. */
  unsettled(): Promise<readonly JournalEntry[]>
  /** The mail was taken from the mailbox. */
  accept(id: string, call: MailCall | undefined): Promise<void>
  /** Its action is about to run. When this rejects, the action does not run. */
  start(id: string): Promise<void>
  /** Its outcome is known. The acknowledgement goes out only after this. */
  finish(id: string, outcome: MailOutcome): Promise<void>
  /** The cloud has the acknowledgement; the entry may be forgotten when room is needed. */
  settle(id: string): Promise<void>
}
