// SPDX-License-Identifier: Apache-2.0
import type { StoredItem } from '../store.ts'
import { type FlashPlace, flashBytes, type PlacedItem, type SegmentPosition } from './flash-place.ts'
import type { SequenceRange } from './receipts.ts'

/** Where a backlog begins and ends. */
export interface BacklogSpan {
  readonly from: SegmentPosition
  readonly firstEpochMs: number
  readonly firstSequence: number
  readonly lastSequence: number
  readonly lastOrdinal: number
  readonly items: number
  readonly bytes: number
}

/** The items of a lane that are on flash alone: known by where they begin and end, and read back a part at a time. */
export class Backlog {
  /** When its first item was put, as far as that is known without reading. */
  readonly firstEpochMs: number
  #from: SegmentPosition
  #firstSequence: number
  #lastSequence: number
  #lastOrdinal: number
  #items: number
  #bytes: number

  constructor(span: BacklogSpan) {
    this.firstEpochMs = span.firstEpochMs
    this.#from = span.from
    this.#firstSequence = span.firstSequence
    this.#lastSequence = span.lastSequence
    this.#lastOrdinal = span.lastOrdinal
    this.#items = span.items
    this.#bytes = span.bytes
  }

  /** A backlog of one item that leaves the memory. */
  static of(item: StoredItem, place: FlashPlace): Backlog {
    const { sequence, epochMs } = item
    return new Backlog({
      from: place.start,
      firstEpochMs: epochMs,
      firstSequence: sequence,
      lastSequence: sequence,
      lastOrdinal: place.ordinal,
      items: 1,
      bytes: flashBytes(item),
    })
  }

  /** Where the next unread item is. */
  get from(): SegmentPosition {
    return this.#from
  }

  /** The sequence of its first item, or one before it. */
  get firstSequence(): number {
    return this.#firstSequence
  }

  get lastSequence(): number {
    return this.#lastSequence
  }

  get items(): number {
    return this.#items
  }

  get bytes(): number {
    return this.#bytes
  }

  holds(sequence: number): boolean {
    return sequence >= this.#firstSequence && sequence <= this.#lastSequence
  }

  /** The item that follows on flash leaves the memory too. */
  push(item: StoredItem, place: FlashPlace): void {
    this.#items++
    this.#bytes += flashBytes(item)
    this.#lastOrdinal = place.ordinal
    this.#lastSequence = item.sequence
  }

  /**
   * Takes over what was read from {@link from} on.
   *
   * @returns the items that belong to it, how many between them are missing on flash, and where these are in the row of sequences
   */
  take(found: readonly PlacedItem[]): {
    readonly taken: readonly PlacedItem[]
    readonly missing: number
    readonly gaps: readonly SequenceRange[]
  } {
    const taken: PlacedItem[] = []
    const gaps: SequenceRange[] = []
    let missing = 0
    for (const one of found) {
      const { item, place } = one
      if (place.ordinal > this.#lastOrdinal) break
      this.#from = place.end
      const left = this.#lastOrdinal - place.ordinal
      if (this.#items - 1 > left) {
        missing += this.#items - 1 - left
        gaps.push({ from: this.#firstSequence, before: item.sequence })
      }
      this.#items = left
      // Written twice, because the disk failed in between: the first one counts.
      if (item.sequence < this.#firstSequence) continue
      this.#firstSequence = item.sequence + 1
      this.#bytes = Math.max(0, this.#bytes - flashBytes(item))
      taken.push(one)
    }
    return { taken, missing, gaps }
  }
}
