// SPDX-License-Identifier: Apache-2.0
import type { Lane } from './lanes.ts'
import type { SetAsideStats } from './set-aside.ts'

/** Counts of one lane since the outbox was made. */
export interface LaneStats {
  /** Items taken charge of and not yet delivered. */
  readonly waiting: number
  readonly bytes: number
  readonly delivered: number
  /** Items that the cloud refused for good. */
  readonly refused: number
  /** Poison items: set aside because the link ended each time they were sent. */
  readonly setAside: number
  /** Items given up, or not taken, because the outbox was full. */
  readonly dropped: number
  /** Items sent once more, each time counted. */
  readonly resent: number
  /** How often the agent set about sending, be it in vain. */
  readonly tries: number
  /** When the oldest waiting item was put, wall clock. */
  readonly oldestEpochMs?: number
}

/** How far the backlog of the last offline time has got. */
export interface DrainProgress {
  readonly sinceEpochMs: number
  /** Items that waited when the link came up. */
  readonly backlog: number
  /** Items settled since then, at most {@link backlog}. */
  readonly done: number
}

/** What waits in the outbox for the cloud. */
export interface OutboxStats {
  /** Of `ack`, `alarm`, `event`, `attribute`, `thing`, `location` and `telemetry`. */
  readonly lanes: Readonly<Record<Lane, LaneStats>>
  readonly waiting: number
  readonly bytes: number
  readonly maxBytes: number
  /** Waiting items that were on the wire when a link ended; they go alone, after all others. Absent when there are none. */
  readonly suspects?: number
  /** Poison items in quarantine. Absent when there never was one. */
  readonly setAside?: SetAsideStats
  /** Absent when there is no backlog to work off. */
  readonly drain?: DrainProgress
}
