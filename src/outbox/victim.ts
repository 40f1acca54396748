import { classOf, type Lane, lanes } from './lanes.ts'
import type { LaneSize } from './store.ts'

/**
 * Whose oldest item is dropped for a new one of `lane`: of the least important class that has any, the oldest, and never
 * one that is more important than the new one. Undefined when there is none.
 */
export function chooseVictim(lane: Lane, size: (lane: Lane) => LaneSize): Lane | undefined {
  let victim: Lane | undefined
  let victimOldest = 0
  for (const candidate of lanes) {
    if (classOf(candidate) < classOf(lane)) continue
    const { oldestDroppable } = size(candidate)
    if (oldestDroppable === undefined) continue
    const isLess = victim === undefined || classOf(candidate) > classOf(victim)
    if (isLess || (victim !== undefined && classOf(candidate) === classOf(victim) && oldestDroppable < victimOldest)) {
      victim = candidate
      victimOldest = oldestDroppable
    }
  }
  return victim
}

/** Bytes that may be dropped for a new item of `lane`. */
export function droppableBytes(lane: Lane, size: (lane: Lane) => LaneSize): number {
  return lanes
    .filter(candidate => classOf(candidate) >= classOf(lane))
    .reduce((sum, candidate) => sum + size(candidate).droppableBytes, 0)
}
