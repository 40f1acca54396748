// SPDX-License-Identifier: Apache-2.0
/** What a link reports: its events as they happen, and its status on request. */
import type { AgentError } from '../base/errors.ts'
import type { FailureClass, ReconnectState } from './reconnect.ts'

/**
 * Events of a link: `down` when a session that was up has ended, `rejected` for a refused login, `failed` for any other failed
 * attempt. `duplicateClient` comes once, when the cloud ends session after session as it does for two devices with one thing
 * key. `piece` is a part of the content of a message that is too large; its `message` follows without content.
 */
export type LinkEvents = {
  up: []
  down: [error: AgentError]
  rejected: [error: AgentError]
  failed: [error: AgentError]
  duplicateClient: [error: AgentError]
  message: [topic: string, payload: Uint8Array]
  piece: [topic: string, piece: Uint8Array]
}

/** The connection to the cloud: whether it is up, and what it waits for while it is not. */
export interface LinkStatus {
  readonly state: ReconnectState['phase']
  /** Since when there is no link, on the monotonic clock; a session takeover does not restart it. Undefined while up or stopped. */
  readonly downSinceMonotonicMs?: number
  /** Failed attempts since the link was last up. */
  readonly attempts: number
  /** How often the link came up again. */
  readonly reconnects: number
  readonly lastError?: AgentError
  /** Address at which the cloud was last reached; absent behind a proxy. */
  readonly cloudAddress?: string
  /** While waiting. */
  readonly nextTryInMs?: number
  /** While waiting: what kind of failure it waits after. */
  readonly waitsAfter?: FailureClass
  /** Wall clock, while up. */
  readonly connectedAtMs?: number
  /** Messages whose content was dropped for its size, since the start. */
  readonly oversizedMessages: number
  /** Counts every change of the state and, while up, everything that the cloud sends, answers to pings included. */
  readonly moves: number
}
