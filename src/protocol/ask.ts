// SPDX-License-Identifier: Apache-2.0
import type { JsonObject } from '../base/json.ts'
import type { OptionNames } from '../config/known-options.ts'
import { checkWait } from './call-fields.ts'
import type { Command } from './commands.ts'
import { momentText, type TimestampInput } from './sample-fields.ts'

/** How long a request waits for the answer of the cloud, and what ends the wait. */
export interface RequestOptions {
  /** How long to wait for the reply, monotonic milliseconds (default 30 s). */
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** What a caller inside the agent may ask for besides: replies that others do without. */
export interface ReplyListeners extends RequestOptions {
  /**
   * Gets the bytes of a reply that is over the limit of one reply, piece by piece as they come; the request ends with
   * `LIMIT_EXCEEDED` all the same. For what the cloud says only once.
   */
  readonly onLarge?: ((piece: Uint8Array) => void) | undefined
  /** Gets the params of the answer when it comes after the deadline; not called when {@link onLarge} got the answer. */
  readonly onLate?: ((params: JsonObject) => void) | undefined
}

/**
 * Asks the cloud one question about our own thing and resolves to the params of its answer.
 * `command` gets the thing key; rejects as `Requester.requestOne`.
 */
export type Ask = (command: (thingKey: string) => Command, options?: ReplyListeners) => Promise<JsonObject>

/** Options of the questions for a current value. */
export interface CurrentOptions extends RequestOptions {
  /** Ask for the value that held then [TR50 property.current] [TR50 attribute.current]; default: the newest one. */
  readonly timestamp?: TimestampInput | undefined
}

export const currentNames: OptionNames<CurrentOptions> = { timestamp: true, timeoutMs: true, signal: true }

/** The wait of such a question, and the time that it asks about. */
export function currentRequest({ timestamp, ...wait }: CurrentOptions): {
  readonly wait: RequestOptions
  readonly at?: string | undefined
} {
  checkWait(wait)
  return { wait, at: timestamp === undefined ? undefined : momentText(timestamp) }
}
