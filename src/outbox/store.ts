// SPDX-License-Identifier: Apache-2.0
import type { Lane } from './lanes.ts'
import type { DeliveryReceipt } from './receipt.ts'

/** One item as the outbox keeps it. */
export interface StoredItem {
  /** Grows by one with every item put, over all lanes. */
  readonly sequence: number
  /** When it was put, wall clock. */
  readonly epochMs: number
  /** The item as ASCII JSON, serialised once. */
  readonly json: string
  /** It cannot share a batch: it goes as a command of its own. */
  readonly alone: boolean
  /** Set when the wall clock was not: its distance to the clock that counts from the start of the system, when it was put. */
  readonly clockOffsetMs?: number
  /** Gets the outcome; absent for an item of an earlier process. */
  readonly receipt?: DeliveryReceipt
}

/** What a lane holds. */
export interface LaneSize {
  /** Items not yet acknowledged, those in flight included. */
  readonly items: number
  /** Bytes of these, as they count against the bound of the outbox. */
  readonly bytes: number
  /** Bytes of those that may be dropped: not in flight. */
  readonly droppableBytes: number
  /** Sequence of the oldest item that may be dropped. */
  readonly oldestDroppable?: number | undefined
  /** When the oldest item was put, wall clock. */
  readonly oldestEpochMs?: number | undefined
}

/** Items that a store gave up to make room. */
export interface Dropped {
  readonly items: number
  readonly receipts: readonly DeliveryReceipt[]
}

/** What became of the items in memory when the process ended. */
export interface LastWrite {
  /** Items that the process takes with it. */
  readonly lost: number
  /** Why. */
  readonly failure?: unknown
}

/**
 * The memory of the outbox: a queue per lane. What is read is in flight until it is acknowledged or released, and what is
 * in flight is not dropped. A store in memory answers at once; one on flash may answer with promises.
 */
export interface Store {
  /** Bytes that an item needs beside its JSON. */
  readonly itemOverheadBytes: number
  /** The sequence for the first new item: above that of every item it holds. */
  readonly nextSequence: number
  /** A bound of the moment on the bytes of all lanes, beside that of the outbox: a store on a full disk has only the memory. */
  readonly limitBytes: number
  /** Items of all lanes. */
  readonly items: number
  /** Bytes of all lanes. */
  readonly bytes: number
  /** Keeps an item. Items of a lane come back in the order of the calls, also when these overlap. */
  append(lane: Lane, item: StoredItem): void | Promise<void>
  /**
   * Reads the oldest items of a lane, which are in flight then: at most `maxItems`, at most `maxBytes` of JSON, but at least one when there is any.
   * Called only while nothing of the lane is in flight.
   */
  read(
    lane: Lane,
    bounds: { readonly maxItems: number; readonly maxBytes: number },
  ): readonly StoredItem[] | Promise<readonly StoredItem[]>
  /** Forgets items that are in flight: delivered or refused for good. Not always the first of them. */
  acknowledge(lane: Lane, items: readonly StoredItem[]): void | Promise<void>
  /** Puts what is left in flight back at the head of the lane, in its old order. */
  release(lane: Lane): void | Promise<void>
  /** Drops the oldest item of a lane that is not in flight, or a few of the oldest where single ones cannot be dropped. */
  dropOldest(lane: Lane): Dropped | Promise<Dropped>
  size(lane: Lane): LaneSize
  /** Writes down what is in memory alone, where the store can; answers whether a process that ended now would lose nothing. */
  spill(): boolean | Promise<boolean>
  /**
   * As {@link spill}, while the caller waits, because the process ends: as much as `isTimeLeft` allows. Nothing may be asked of the
   * store afterwards.
   */
  lastWrite(isTimeLeft: () => boolean): LastWrite
  /** Ends the use of the store; answers the receipts of what was not delivered. */
  close(): readonly DeliveryReceipt[] | Promise<readonly DeliveryReceipt[]>
}
