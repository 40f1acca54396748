import type { Lane } from './lanes.ts'

/** Counts of one lane since the outbox was made. */
export interface LaneStats {
  /** Items taken charge of and not yet delivered. */
  readonly waiting: number
  readonly bytes: number
  readonly delivered: number
  /** Items that the cloud refused for good. */
  readonly refused: number
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

export interface OutboxStats {
  readonly lanes: Readonly<Record<Lane, LaneStats>>
  readonly waiting: number
  readonly bytes: number
  readonly maxBytes: number
  /** Absent when there is no backlog to work off. */
  readonly drain?: DrainProgress
}
