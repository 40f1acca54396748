// SPDX-License-Identifier: Apache-2.0
import { SerialQueue } from '../../base/serial-queue.ts'
import type { DeliveryReceipt } from '../receipt.ts'
import type { Dropped, LaneSize, LastWrite, StoredItem } from '../store.ts'
import type { BacklogSpan } from './backlog.ts'
import { type Entry, InFlight, Unpersisted } from './entries.ts'
import type { SegmentPosition } from './flash-place.ts'
import { LaneQueue, type LaneQueueOptions } from './lane-queue.ts'

/** What an earlier process left of a lane. */
export interface LeftOnFlash {
  readonly span: BacklogSpan
  readonly end: SegmentPosition
}

export interface FlashLaneOptions extends LaneQueueOptions {
  /** The lane is done up to a place; undefined when nothing of it is on flash any more. */
  readonly onCursor: (position: SegmentPosition | undefined) => void
}

/**
 * One lane, in memory and on flash: when items are read from it and written to it. In order of sequence its items are: in flight,
 * and those that wait. Those without a place are always the newest ones.
 */
export class FlashLane {
  readonly #options: FlashLaneOptions
  readonly #queue: LaneQueue
  readonly #inFlight = new InFlight()
  readonly #unpersisted = new Unpersisted()
  /** Behind the last item that got a place. */
  #placedEnd: SegmentPosition | undefined
  /** The chain is used by one at a time. */
  readonly #serial = new SerialQueue()
  /** What is being written, and the place of its first item in the row. */
  #writing: { readonly entries: readonly Entry[]; readonly ordinal: number } | undefined
  #advancing = false
  /** Not while it is done, and not after it failed: another try is for those who need what is there, in their own time. */
  #mayReadAhead = true
  /** Waits until nothing is in flight. */
  #onFree: (() => void) | undefined

  constructor(options: FlashLaneOptions) {
    this.#options = options
    this.#queue = new LaneQueue(options)
  }

  /**
   * Takes over what an earlier process left, if anything; resolves when that is done. It goes before what was put meanwhile,
   * as soon as nothing of that is in flight.
   *
   * @param renumber gives an item that was put meanwhile a sequence behind those of the earlier process
   */
  recover(left: LeftOnFlash | undefined, renumber: (item: StoredItem) => StoredItem): Promise<void> {
    return new Promise(resolve => {
      this.#onFree = () => {
        this.#queue.recover(left?.span, renumber)
        if (left !== undefined) this.#placedEnd = left.end
        resolve()
      }
      this.#checkFree()
    })
  }

  get items(): number {
    return this.#inFlight.length + this.#queue.items
  }

  get bytes(): number {
    return this.#inFlight.bytes + this.#queue.bytes
  }

  /** Bytes of items that are in memory alone. */
  get unpersistedBytes(): number {
    return this.#unpersisted.bytes
  }

  /** Bytes of items that are on flash alone. */
  get backlogBytes(): number {
    return this.#queue.backlogBytes
  }

  /** When the oldest item that is in memory alone was put, monotonic; undefined when there is none. */
  get oldestUnpersistedMs(): number | undefined {
    return this.#unpersisted.oldestMs
  }

  /** @param memoryAlone only what {@link dropNewer} would drop counts as droppable */
  size(memoryAlone: boolean): LaneSize {
    const queue = this.#queue
    const isCut = memoryAlone && queue.hasBacklog
    return {
      items: this.items,
      bytes: this.bytes,
      droppableBytes: isCut ? queue.tail.bytes : queue.bytes,
      oldestDroppable: isCut ? queue.tail.peek()?.item.sequence : queue.nextSequence,
      oldestEpochMs: this.#inFlight.first?.item.epochMs ?? queue.nextEpochMs,
    }
  }

  add(item: StoredItem, nowMs: number): void {
    const entry: Entry = { item, putMs: nowMs, done: false }
    this.#queue.push(entry)
    this.#unpersisted.add(entry)
  }

  read(bounds: {
    readonly maxItems: number
    readonly maxBytes: number
  }): readonly StoredItem[] | Promise<readonly StoredItem[]> {
    if (this.#queue.mustLoad) return this.#load(() => this.#queue.loadNext()).then(() => this.#takeAndReadAhead(bounds))
    return this.#takeAndReadAhead(bounds)
  }

  acknowledge(items: readonly StoredItem[]): void {
    for (const entry of this.#inFlight.take(items)) this.#unpersisted.finish(entry)
    this.#advance()
    this.#checkFree()
  }

  release(): void {
    this.#queue.unshift(this.#inFlight.takeAll())
    this.#checkFree()
  }

  dropOldest(): Dropped | Promise<Dropped> {
    if (this.#queue.mustLoad)
      return this.#load(() => this.#queue.loadAnyhow()).then(() => this.#dropped(this.#queue.shiftNext()))
    return this.#dropped(this.#queue.shiftNext())
  }

  /** Drops the oldest of what only memory has, because memory is what is short: what is safe on flash stays. */
  dropNewer(): Dropped {
    return this.#dropped(this.#queue.hasBacklog ? this.#queue.tail.shift() : this.#queue.shiftNext())
  }

  /**
   * Writes to flash what is in memory alone, items in flight included; rejects when the disk does not take it.
   *
   * @param onBegin called when its turn has come: what is put from then on is not part of it
   */
  persist(onBegin: () => void = () => {}): Promise<void> {
    return this.#serial.run(() => {
      onBegin()
      return this.#persist()
    })
  }

  /**
   * Writes to flash what is in memory alone, while the caller waits, at the end of the process: what is under way in other threads
   * has an unknown end, so that it is written once more, in the same places of the row.
   */
  lastWrite(isTimeLeft: () => boolean): LastWrite {
    const { chain, onCursor } = this.#options
    const { entries: begun, ordinal } = this.#writing ?? { entries: [], ordinal: chain.nextOrdinal }
    const entries = [...begun, ...this.#unpersisted.waiting()]
    const isLeft = (entry: Entry) => !entry.done && entry.place === undefined
    let failure: unknown
    if (entries.some(isLeft)) {
      const items = entries.map(({ item }) => item)
      const appended = chain.appendNow(items, ordinal, isTimeLeft)
      failure = appended.failure
      for (const [index, place] of appended.places.entries()) {
        const entry = entries[index]
        if (entry === undefined) break
        entry.place = place
        this.#placedEnd = place.end
      }
    }
    const position = this.#donePosition()
    if (position !== undefined) onCursor(chain.isEmpty ? undefined : position)
    return { lost: entries.filter(isLeft).length, ...(failure === undefined ? {} : { failure }) }
  }

  /** Ends: the receipts of all that is in memory, and of those that wait for what is on flash. */
  receipts(): readonly DeliveryReceipt[] {
    this.release()
    return this.#queue.takeReceipts()
  }

  async close(): Promise<void> {
    await this.#serial.run(() => this.#options.chain.close())
  }

  /** Reads flash in its turn. */
  #load(work: () => Promise<void>): Promise<void> {
    return this.#serial.run(async () => {
      await work()
      this.#mayReadAhead = true
    })
  }

  /** While a message is on its way, flash has time. */
  #takeAndReadAhead(bounds: { readonly maxItems: number; readonly maxBytes: number }): readonly StoredItem[] {
    const inFlight = this.#take(bounds)
    if (!this.#mayReadAhead || !this.#queue.hasBacklog || !this.#queue.isFrontLow) return inFlight
    this.#mayReadAhead = false
    this.#load(async () => {
      if (this.#queue.isFrontLow) await this.#queue.load()
    }).catch(() => {})
    return inFlight
  }

  #take(bounds: { readonly maxItems: number; readonly maxBytes: number }): readonly StoredItem[] {
    let jsonBytes = 0
    for (;;) {
      const next = this.#queue.next()
      if (next === undefined) break
      jsonBytes += next.item.json.length
      if (this.#inFlight.length > 0 && (this.#inFlight.length >= bounds.maxItems || jsonBytes > bounds.maxBytes)) break
      this.#queue.shiftNext()
      this.#inFlight.add(next)
    }
    return this.#inFlight.items
  }

  #dropped(entry: Entry | undefined): Dropped {
    if (entry === undefined) return { items: 0, receipts: [] }
    this.#unpersisted.finish(entry)
    this.#advance()
    return { items: 1, receipts: entry.item.receipt === undefined ? [] : [entry.item.receipt] }
  }

  async #persist(): Promise<void> {
    const { chain } = this.#options
    const entries = this.#unpersisted.takeAll()
    if (entries.length === 0) return
    this.#writing = { entries, ordinal: chain.nextOrdinal }
    const { places, failure } = await chain.append(entries.map(entry => entry.item))
    this.#writing = undefined
    for (const [index, place] of places.entries()) {
      const entry = entries[index]
      if (entry === undefined) break
      this.#unpersisted.place(entry, place)
      this.#placedEnd = place.end
    }
    this.#unpersisted.putBack(entries.slice(places.length))
    this.#queue.trim()
    this.#advance()
    if (failure !== undefined) throw failure
  }

  /** Reports how far the lane is done, and deletes the segments before that place. */
  #advance(): void {
    if (this.#options.chain.isEmpty || this.#advancing) return
    this.#advancing = true
    void this.#serial
      .run(async () => {
        this.#advancing = false
        const position = this.#donePosition()
        if (position === undefined) return
        try {
          await this.#options.chain.deleteBefore(position)
        } finally {
          this.#options.onCursor(this.#options.chain.isEmpty ? undefined : position)
        }
      })
      .catch(() => {
        // A file that cannot be deleted now goes with the next step, or at the next start.
      })
  }

  #checkFree(): void {
    if (this.#inFlight.length > 0) return
    const onFree = this.#onFree
    this.#onFree = undefined
    onFree?.()
  }

  /** The place of the first item on flash that is not done, or the end of what is there. */
  #donePosition(): SegmentPosition | undefined {
    const { first } = this.#inFlight
    return first === undefined ? this.#queue.firstPosition(this.#placedEnd) : (first.place?.start ?? this.#placedEnd)
  }
}
