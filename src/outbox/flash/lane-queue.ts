// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import type { DeliveryReceipt } from '../receipt.ts'
import type { StoredItem } from '../store.ts'
import { Backlog, type BacklogSpan } from './backlog.ts'
import { type Entry, EntryQueue } from './entries.ts'
import type { FlashPlace, SegmentPosition } from './flash-place.ts'
import { FlashReceipts } from './receipts.ts'
import type { SegmentChain } from './segment-chain.ts'

export interface LaneQueueOptions {
  readonly chain: SegmentChain
  readonly clock: Clock
  /** Bytes of items of this lane that are kept in memory although they are on flash. */
  readonly windowBytes: number
  /** Items that were on flash and cannot be read. */
  readonly onLost: (items: number) => void
}

/**
 * The items of a lane that wait. In order of sequence they are: `front` (next to be read), the backlog (on flash alone), `tail`
 * (the newest). The caller runs what reads flash one after the other.
 */
export class LaneQueue {
  readonly #options: LaneQueueOptions
  readonly #receipts: FlashReceipts
  readonly #front = new EntryQueue()
  readonly #tail = new EntryQueue()
  #backlog: Backlog | undefined

  constructor(options: LaneQueueOptions) {
    this.#options = options
    this.#receipts = new FlashReceipts(options.clock, sequence => this.#backlog?.holds(sequence) ?? false)
  }

  get items(): number {
    return this.#front.length + (this.#backlog?.items ?? 0) + this.#tail.length
  }

  get bytes(): number {
    return this.#front.bytes + (this.#backlog?.bytes ?? 0) + this.#tail.bytes
  }

  /** Bytes of items that are on flash alone. */
  get backlogBytes(): number {
    return this.#backlog?.bytes ?? 0
  }

  get hasBacklog(): boolean {
    return this.#backlog !== undefined
  }

  /** Whether flash must be read to have the next item. */
  get mustLoad(): boolean {
    return this.#front.length === 0 && this.#backlog !== undefined
  }

  /** Whether little is left in memory before the backlog. */
  get isFrontLow(): boolean {
    return this.#front.bytes < this.#options.windowBytes / 2
  }

  /** What stands behind the backlog. */
  get tail(): Pick<EntryQueue, 'peek' | 'shift' | 'bytes'> {
    return this.#tail
  }

  /** The sequence of the next item, or one before it. */
  get nextSequence(): number | undefined {
    return this.next()?.item.sequence ?? this.#backlog?.firstSequence
  }

  /** When the next item was put, as far as that is known without reading. */
  get nextEpochMs(): number | undefined {
    return this.next()?.item.epochMs ?? this.#backlog?.firstEpochMs
  }

  push(entry: Entry): void {
    this.#tail.push(entry)
  }

  /** Puts entries back at the head, in their order. */
  unshift(entries: readonly Entry[]): void {
    this.#front.unshift(entries)
  }

  /** Puts what an earlier process left before all that waits, which gets sequences behind it by `renumber`. */
  recover(span: BacklogSpan | undefined, renumber: (item: StoredItem) => StoredItem): void {
    const waiting = [...this.#front.takeAll(), ...this.#tail.takeAll()]
    for (const entry of waiting) {
      entry.item = renumber(entry.item)
      this.#tail.push(entry)
    }
    if (span !== undefined) this.#backlog = new Backlog(span)
  }

  /** The first item that is not in flight and can be had without reading flash. */
  next(): Entry | undefined {
    return this.#front.length > 0 || this.#backlog !== undefined ? this.#front.peek() : this.#tail.peek()
  }

  shiftNext(): Entry | undefined {
    if (this.next() === undefined) return undefined
    return (this.#front.length > 0 ? this.#front : this.#tail).shift()
  }

  /** Keeps a window of what comes next in memory, and of the rest what flash does not have. */
  trim(): void {
    if (this.#backlog === undefined) {
      for (
        let next = this.#tail.peek();
        next !== undefined && this.#front.bytes < this.#options.windowBytes;
        next = this.#tail.peek()
      ) {
        this.#tail.shift()
        this.#front.push(next)
      }
    }
    for (let next = this.#tail.peek(); next?.place !== undefined; next = this.#tail.peek()) {
      this.#tail.shift()
      this.#toBacklog(next.item, next.place)
    }
  }

  #toBacklog(item: StoredItem, place: FlashPlace): void {
    if (this.#backlog === undefined) this.#backlog = Backlog.of(item, place)
    else this.#backlog.push(item, place)
    if (item.receipt !== undefined) this.#receipts.leave(item.sequence, item.receipt)
  }

  /** Reads on until the next item is there, or nothing is left. */
  async loadNext(): Promise<void> {
    while (this.#front.length === 0 && this.#backlog !== undefined) await this.load()
  }

  /** Reads the next part of the backlog. */
  async load(): Promise<void> {
    const backlog = this.#backlog
    if (backlog === undefined) return
    const { chain, windowBytes, onLost } = this.#options
    const { from } = backlog
    const { taken, missing, gaps } = backlog.take(await chain.read(backlog.from, windowBytes))
    if (missing > 0) onLost(missing)
    for (const gap of gaps) this.#receipts.lost(gap)
    for (const { item, place } of taken)
      this.#front.push({
        item: { ...item, receipt: this.#receipts.enter(item.sequence) },
        putMs: 0,
        place,
        done: false,
      })
    if (backlog.items > 0 && backlog.from !== from) return
    if (backlog.items > 0) {
      onLost(backlog.items)
      this.#receipts.lost({ from: backlog.firstSequence, before: backlog.lastSequence + 1 })
    }
    this.#backlog = undefined
  }

  /** As {@link loadNext}, for what is dropped anyway: a file that cannot be read is given up without waiting for a better moment. */
  async loadAnyhow(): Promise<void> {
    for (let isLoaded = false; !isLoaded; )
      isLoaded = await this.loadNext().then(
        () => true,
        () => false,
      )
  }

  /** Where the first item stands on flash; `end`, where what is on flash ends, when the first item is in memory alone. */
  firstPosition(end: SegmentPosition | undefined): SegmentPosition | undefined {
    const first = this.#front.peek()
    if (first !== undefined) return first.place?.start ?? end
    return this.#backlog?.from ?? this.#tail.peek()?.place?.start ?? end
  }

  /** Ends: the receipts of all that is in memory, and of those that wait for what is on flash. */
  takeReceipts(): readonly DeliveryReceipt[] {
    const receipts: DeliveryReceipt[] = []
    for (const queue of [this.#front, this.#tail]) {
      for (const { item } of queue.takeAll()) if (item.receipt !== undefined) receipts.push(item.receipt)
    }
    return [...receipts, ...this.#receipts.takeAll()]
  }
}
