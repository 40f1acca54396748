import type { AgentError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import type { Settings } from '../config/settings.ts'
import type { LinkStatus } from '../connection/link.ts'
import type { Lane } from '../outbox/lanes.ts'
import type { Receipt } from '../outbox/outbox.ts'
import type { OutboxStats } from '../outbox/stats.ts'
import type { WriteCount } from '../platform/store/write-budget.ts'
import type { ActionOutcome } from '../protocol/action-reply.ts'
import type { Ask } from '../protocol/ask.ts'
import type { RequesterCounters } from '../protocol/requester-counters.ts'
import type { FilesService } from '../services/files/files-service.ts'
import type { LeftMail } from '../services/mailbox/left-mail.ts'
import type { MailboxCounters } from '../services/mailbox/mailbox.ts'

/** Who this client is and how it is set up; known when the configuration is read. */
export interface ClientFacts {
  /** Client id and user name of the login; absent when offline. */
  readonly thingKey?: string
  readonly deviceId?: string
  readonly settings: Settings
}

/** What a client is doing. */
export interface CloudStatus {
  readonly link: LinkStatus
  readonly outbox: OutboxStats
  readonly requests: RequesterCounters
  readonly mailbox: MailboxCounters
  /** File transfers that run or wait for their turn. */
  readonly transfers: number
  /** What was written to flash since the start, by cause. */
  readonly flashWrites: Readonly<Record<string, WriteCount>>
}

/** Moves files; the real service, or its stand-in when offline. */
export type FileTransfers = Pick<FilesService, 'upload' | 'uploadFile' | 'uploadFolder' | 'download' | 'downloadInto'>

/** What happens on the way to the cloud. */
export interface CloudListener {
  up(): void
  down(error: AgentError): void
  rejected(error: AgentError): void
  /** A failed try to connect, or a sample that the cloud refused for good. */
  failed(error: AgentError): void
  /** Another process has the queue, and its end is waited for. */
  queueInUse?(): void
}

/** Everything between a client and its cloud: the real one, or the one of an offline client. */
export interface Cloud {
  readonly facts: ClientFacts
  readonly isUp: boolean
  /** Whether the cloud has answered a request in the present session. */
  readonly isAlive: boolean
  readonly ask: Ask
  put(lane: Lane, item: JsonObject): Promise<Receipt>
  files(): Promise<FileTransfers>
  answerMail(id: string, outcome: ActionOutcome): Promise<Receipt>
  updateMail(id: string, text: string): Promise<Receipt>
  leftMail(): Promise<readonly LeftMail[]>
  /** Begins to connect; further calls do nothing. */
  start(): Promise<void>
  /**
   * Resolves when the link is up; rejects `TIMEOUT` or `ABORTED` with the last failure as the cause. Of `timeoutMs` so much is
   * over as was waited already.
   */
  untilUp(options: {
    timeoutMs?: number | undefined
    waitedMs?: number
    signal?: AbortSignal | undefined
  }): Promise<void>
  /** Fetches no more mail. */
  stopMail(): void
  /** Writes to flash what waits in memory alone; whether a process that ended now would lose nothing. */
  spill(): Promise<boolean>
  /** Whether everything was delivered within `timeoutMs`. */
  flush(timeoutMs: number): Promise<boolean>
  close(timeoutMs: number): Promise<void>
  /** Undefined when offline. */
  status(): CloudStatus | undefined
}
