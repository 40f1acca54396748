// SPDX-License-Identifier: Apache-2.0
import { optionsCheck } from '../config/known-options.ts'
import { checkedFlag, checkWait } from '../protocol/call-fields.ts'

/** Options of {@link Client.connect}. */
export interface ConnectOptions {
  /** Milliseconds to wait for the connection; default: as long as it takes. */
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Options of {@link Client.disconnect}. */
export interface DisconnectOptions {
  /** Wait until everything that was published is delivered (default false: only what goes out at once). */
  readonly waitForReplies?: boolean | undefined
  /** Milliseconds for all of it; default 10,000. */
  readonly timeoutMs?: number | undefined
}

const connectNames = optionsCheck<ConnectOptions>('connect', { timeoutMs: true, signal: true })
const disconnectNames = optionsCheck<DisconnectOptions>('disconnect', { waitForReplies: true, timeoutMs: true })

/** Throws `INVALID_ARGUMENT` naming the option. */
export function checkConnect(options: ConnectOptions): void {
  connectNames(options)
  checkWait(options)
}

/** Throws `INVALID_ARGUMENT` naming the option. */
export function checkDisconnect(options: DisconnectOptions): void {
  disconnectNames(options)
  checkWait(options)
  if (options.waitForReplies !== undefined) checkedFlag('waitForReplies', options.waitForReplies)
}
