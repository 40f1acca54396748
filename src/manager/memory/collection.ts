// SPDX-License-Identifier: Apache-2.0
import { megabyte } from './soft-limit.ts'

/**
 * When a collection of all garbage is worth its pause: once after the start, because V8 keeps what only the start needed, and
 * again when a burst of activity has left garbage. A collection that gains little makes the next ones rarer.
 */
export interface CollectionState {
  /** In use after the last collection; undefined before the first. */
  readonly lowBytes?: number
  readonly notBeforeMs: number
  readonly pauseMs: number
}

const minPauseMs = 60_000
const maxPauseMs = 3_600_000
const worthBytes = 0.5 * megabyte
const gainBytes = 0.5 * megabyte

export const firstCollection: CollectionState = { notBeforeMs: Number.NEGATIVE_INFINITY, pauseMs: minPauseMs }

/** Whether to collect now. The caller sees that nothing runs which a pause would disturb. */
export function isCollectionDue({ lowBytes, notBeforeMs }: CollectionState, nowMs: number, usedBytes: number): boolean {
  return nowMs >= notBeforeMs && (lowBytes === undefined || usedBytes >= lowBytes + worthBytes)
}

/** The state after a collection, for whatever reason. */
export function afterCollection(
  state: CollectionState,
  { nowMs, beforeBytes, afterBytes }: { nowMs: number; beforeBytes: number; afterBytes: number },
): CollectionState {
  const pauseMs = beforeBytes - afterBytes >= gainBytes ? minPauseMs : Math.min(2 * state.pauseMs, maxPauseMs)
  return { lowBytes: afterBytes, notBeforeMs: nowMs + pauseMs, pauseMs }
}
