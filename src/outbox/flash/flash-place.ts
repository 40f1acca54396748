// SPDX-License-Identifier: Apache-2.0
import type { StoredItem } from '../store.ts'
import { type FlashItem, flashOverheadBytes } from './item-record.ts'

/** A place in the chain: `offset` bytes into segment `segment`. */
export interface SegmentPosition {
  readonly segment: number
  readonly offset: number
}

/** Where an item stands on flash. */
export interface FlashPlace {
  readonly ordinal: number
  readonly start: SegmentPosition
  readonly end: SegmentPosition
}

/** An item read from flash. */
export interface PlacedItem {
  readonly item: FlashItem
  readonly place: FlashPlace
}

/** Bytes of an item on flash. */
export function flashBytes(item: StoredItem): number {
  return item.json.length + flashOverheadBytes
}
