// SPDX-License-Identifier: Apache-2.0
import { classOf, type Lane, lanes } from './lanes.ts'
import type { LaneSize } from './store.ts'

/**
 * The lane that gives up its oldest item for a new one of `lane`: of the least important class that has items, the lane with the
 * oldest, and never a more important lane than `lane`. Undefined when there is none.
 */
export function chooseEviction(lane: Lane, size: (lane: Lane) => LaneSize): Lane | undefined {
  let evicted: Lane | undefined
  let oldest = 0
  for (const each of lanes) {
    if (classOf(each) < classOf(lane)) continue
    const { oldestDroppable } = size(each)
    if (oldestDroppable === undefined) continue
    const isLess = evicted === undefined || classOf(each) > classOf(evicted)
    if (isLess || (evicted !== undefined && classOf(each) === classOf(evicted) && oldestDroppable < oldest)) {
      evicted = each
      oldest = oldestDroppable
    }
  }
  return evicted
}

/** Bytes that may be dropped for a new item of `lane`. */
export function droppableBytes(lane: Lane, size: (lane: Lane) => LaneSize): number {
  return lanes.filter(each => classOf(each) >= classOf(lane)).reduce((sum, each) => sum + size(each).droppableBytes, 0)
}
