// SPDX-License-Identifier: Apache-2.0
import type { JsonObject } from '../base/json.ts'
import type { Status } from './status.ts'

/** How an action ended, as it goes to the operator [TR50 mailbox.ack]. */
export interface ActionOutcome {
  readonly status: Status
  /** What the operator reads; absent: no text is sent. */
  readonly message?: string | undefined
  /** Values for the caller of the action, at most 256 KiB of JSON. */
  readonly params?: JsonObject | undefined
}

/** How safe a fact must be before the next step is taken. */
export interface RecordOptions {
  /** The disk has the fact a moment later, with the next one that cannot wait: for what may be repeated after a power cut. */
  readonly lazily?: boolean | undefined
}

/** Options of `ActionContext.handOver`. */
export interface HandOverOptions {
  /** The result holds only when the machine was rebooted meanwhile; else the answer is status 19, and says so. */
  readonly onlyAfterReboot?: boolean | undefined
}

/**
 * The way of one call's answer to the cloud. The mailbox supplies it, and the runner of the actions uses it; `Receipt` is what
 * the outbox gives for an item.
 */
export interface ActionReply<Receipt> {
  /** The handler is about to start. When this rejects, the handler does not start. */
  started(options?: RecordOptions): Promise<void>
  /** Adds a progress line. */
  update(text: string): Promise<Receipt>
  /**
   * The next process answers: with `outcome`, or by the application itself. Rejects when that cannot be written down; then
   * nothing has changed.
   */
  handOver(outcome: ActionOutcome | undefined, options: HandOverOptions): Promise<void>
  /** The final answer. */
  finish(outcome: ActionOutcome, options?: RecordOptions): Promise<Receipt>
}
