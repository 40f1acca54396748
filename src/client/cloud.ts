// SPDX-License-Identifier: Apache-2.0
import type { AgentError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import type { Settings } from '../config/settings.ts'
import type { LinkStatus } from '../connection/link-events.ts'
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
import type { LinkWait } from './link-wait.ts'

/** The identity and the settings of a client; known when the configuration has been read. */
export interface ClientFacts {
  /** Client id and user name of the login; absent when offline. */
  readonly thingKey?: string
  readonly deviceId?: string
  readonly settings: Settings
}

/** The state of an online client. */
export interface CloudStatus {
  readonly link: LinkStatus
  readonly outbox: OutboxStats
  readonly requests: RequesterCounters
  readonly mailbox: MailboxCounters
  /** File transfers that run or wait for their turn. */
  readonly transfers: number
  /** The writes to flash since the start, by cause. */
  readonly flashWrites: Readonly<Record<string, WriteCount>>
}

/** Moves files; the real service, or its stand-in when offline. */
export type FileTransfers = Pick<FilesService, 'upload' | 'uploadFile' | 'uploadFolder' | 'download' | 'downloadInto'>

/** Is called for events of the link and the queue. */
export interface CloudListener {
  up(): void
  down(error: AgentError): void
  rejected(error: AgentError): void
  /** A try to connect failed, or the cloud refused a sample for good. */
  failed(error: AgentError): void
  /** Another process has the queue, and the client waits for the end of that process. */
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
  answerCall(id: string, outcome: ActionOutcome): Promise<Receipt>
  updateCall(id: string, text: string): Promise<Receipt>
  leftCalls(): Promise<readonly LeftMail[]>
  /** Begins to connect; further calls return the same promise. */
  start(): Promise<void>
  /** Resolves when the link is up; rejects `TIMEOUT` or `ABORTED` with the last failure as the cause. */
  untilUp(wait: LinkWait): Promise<void>
  /** Takes no more calls from the cloud. */
  stopCalls(): void
  /** Writes to flash what waits only in memory; returns whether nothing would be lost if the process ended now. */
  spill(): Promise<boolean>
  /** Sends what waits; returns whether everything was delivered within `timeoutMs`. */
  flush(timeoutMs: number): Promise<boolean>
  close(timeoutMs: number): Promise<void>
  /** Undefined when offline. */
  status(): CloudStatus | undefined
}
