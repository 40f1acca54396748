// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../base/clock.ts'
import type { AgentError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { Requester } from '../protocol/requester.ts'
import type { MessageWriter } from './message.ts'
import type { PoisonCandidates } from './poison-candidates.ts'
import type { Store } from './store.ts'

/** What the outbox needs of the requester. */
export type RequestSender = Pick<Requester, 'send'>

/** What the outbox needs of the link. */
export interface LinkState {
  readonly isUp: boolean
  on(event: 'up', listener: () => void): () => void
  on(event: 'down', listener: (error: AgentError) => void): () => void
}

/** What everything that sends items works with. */
export interface SenderParts {
  readonly store: Store
  readonly requester: RequestSender
  readonly link: LinkState
  readonly writer: MessageWriter
  readonly clock: Clock
  readonly log: Log
  readonly candidates: PoisonCandidates
  /** Ends all sending. */
  readonly signal: AbortSignal
}
