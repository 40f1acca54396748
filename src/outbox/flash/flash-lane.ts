import type { Clock } from '../../base/clock.ts'
import { SerialQueue } from '../../base/serial-queue.ts'
import type { DeliveryReceipt } from '../receipt.ts'
import type { Dropped, LaneSize, LastWrite, StoredItem } from '../store.ts'
import { Backlog, type BacklogSpan } from './backlog.ts'
import { type Entry, EntryQueue, InFlight, Unpersisted } from './entries.ts'
import type { FlashPlace, SegmentPosition } from './flash-place.ts'
import { FlashReceipts } from './receipts.ts'
import type { SegmentChain } from './segment-chain.ts'

/** What a former process left of a lane. */
export interface LeftOnFlash {
  readonly span: BacklogSpan
  readonly end: SegmentPosition
}

export interface FlashLaneOptions {
  readonly chain: SegmentChain
  readonly clock: Clock
  /** Bytes of items of this lane that are kept in memory although they are on flash. */
  readonly windowBytes: number
  /** The lane is done up to a place; undefined when nothing of it is on flash any more. */
  readonly onCursor: (position: SegmentPosition | undefined) => void
  /** Items that were on flash and cannot be read. */
  readonly onLost: (items: number) => void
}

/**
 * One lane, in memory and on flash. In order of sequence its items are: in flight, `front` (next to be read), the backlog
 * (on flash alone), `tail` (the newest). Those without a place are always the newest ones.
 */
export class FlashLane {
  readonly #o: FlashLaneOptions
  readonly #receipts: FlashReceipts
  readonly #inFlight = new InFlight()
  readonly #front = new EntryQueue()
  readonly #tail = new EntryQueue()
  readonly #unpersisted = new Unpersisted()
  #backlog: Backlog | undefined
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
    this.#o = options
    this.#receipts = new FlashReceipts(options.clock, sequence => this.#backlog?.holds(sequence) ?? false)
  }

  /**
   * Takes over what a former process left, if anything; resolves when that is done. It goes before what was put meanwhile,
   * as soon as nothing of that is in flight.
   *
   * @param renumber gives an item that was put meanwhile a sequence behind those of the former process
   */
  recover(left: LeftOnFlash | undefined, renumber: (item: StoredItem) => StoredItem): Promise<void> {
    return new Promise(resolve => {
      this.#onFree = () => {
        const waiting = [...this.#front.takeAll(), ...this.#tail.takeAll()]
        for (const entry of waiting) {
          entry.item = renumber(entry.item)
          this.#tail.push(entry)
        }
        if (left !== undefined) {
          this.#backlog = new Backlog(left.span)
          this.#placedEnd = left.end
        }
        resolve()
      }
      this.#tellFree()
    })
  }

  get items(): number {
    return this.#inFlight.length + this.#front.length + (this.#backlog?.items ?? 0) + this.#tail.length
  }

  get bytes(): number {
    return this.#inFlight.bytes + this.#front.bytes + this.#tail.bytes + (this.#backlog?.bytes ?? 0)
  }

  /** Bytes of items that are in memory alone. */
  get unpersistedBytes(): number {
    return this.#unpersisted.bytes
  }

  /** Bytes of items that are on flash alone. */
  get backlogBytes(): number {
    return this.#backlog?.bytes ?? 0
  }

  /** When the oldest item that is in memory alone was put, monotonic; undefined when there is none. */
  get oldestUnpersistedMs(): number | undefined {
    return this.#unpersisted.oldestMs
  }

  /** @param memoryAlone only what {@link dropNewer} would drop counts as droppable */
  size(memoryAlone: boolean): LaneSize {
    const next = this.#front.peek() ?? (this.#backlog === undefined ? this.#tail.peek() : undefined)
    const isCut = memoryAlone && this.#backlog !== undefined
    const oldestDroppable = isCut
      ? this.#tail.peek()?.item.sequence
      : (next?.item.sequence ?? this.#backlog?.firstSequence)
    const oldestEpochMs = this.#inFlight.first?.item.epochMs ?? next?.item.epochMs ?? this.#backlog?.firstEpochMs
    return {
      items: this.items,
      bytes: this.bytes,
      droppableBytes: isCut ? this.#tail.bytes : this.bytes - this.#inFlight.bytes,
      oldestDroppable,
      oldestEpochMs,
    }
  }

  add(item: StoredItem, nowMs: number): void {
    const entry: Entry = { item, putMs: nowMs, done: false }
    this.#tail.push(entry)
    this.#unpersisted.add(entry)
  }

  read(bounds: {
    readonly maxItems: number
    readonly maxBytes: number
  }): readonly StoredItem[] | Promise<readonly StoredItem[]> {
    if (this.#front.length === 0 && this.#backlog !== undefined)
      return this.#serial.run(() => this.#loadNext()).then(() => this.#takeAndReadAhead(bounds))
    return this.#takeAndReadAhead(bounds)
  }

  acknowledge(items: readonly StoredItem[]): void {
    for (const entry of this.#inFlight.take(items)) this.#unpersisted.finish(entry)
    this.#advance()
    this.#tellFree()
  }

  release(): void {
    this.#front.unshift(this.#inFlight.takeAll())
    this.#tellFree()
  }

  dropOldest(): Dropped | Promise<Dropped> {
    if (this.#front.length === 0 && this.#backlog !== undefined)
      return this.#serial.run(() => this.#loadAnyhow()).then(() => this.#dropped(this.#shiftNext()))
    return this.#dropped(this.#shiftNext())
  }

  /** Drops the oldest of what only memory has, because memory is what is short: what is safe on flash stays. */
  dropNewer(): Dropped {
    return this.#dropped(this.#backlog === undefined ? this.#shiftNext() : this.#tail.shift())
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
    const { chain, onCursor } = this.#o
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
    const receipts: DeliveryReceipt[] = []
    for (const queue of [this.#front, this.#tail]) {
      for (const { item } of queue.takeAll()) if (item.receipt !== undefined) receipts.push(item.receipt)
    }
    return [...receipts, ...this.#receipts.takeAll()]
  }

  async close(): Promise<void> {
    await this.#serial.run(() => this.#o.chain.close())
  }

  /** While a message is on its way, flash has time. */
  #takeAndReadAhead(bounds: { readonly maxItems: number; readonly maxBytes: number }): readonly StoredItem[] {
    const inFlight = this.#take(bounds)
    if (!this.#mayReadAhead || this.#backlog === undefined || !this.#isFrontLow) return inFlight
    this.#mayReadAhead = false
    const isRead = this.#serial.run(async () => {
      if (this.#isFrontLow) await this.#load()
      this.#mayReadAhead = true
    })
    isRead.catch(() => {})
    return inFlight
  }

  get #isFrontLow(): boolean {
    return this.#front.bytes < this.#o.windowBytes / 2
  }

  #take(bounds: { readonly maxItems: number; readonly maxBytes: number }): readonly StoredItem[] {
    let jsonBytes = 0
    for (;;) {
      const next = this.#next()
      if (next === undefined) break
      jsonBytes += next.item.json.length
      if (this.#inFlight.length > 0 && (this.#inFlight.length >= bounds.maxItems || jsonBytes > bounds.maxBytes)) break
      this.#shiftNext()
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

  /** The first item that is not in flight and can be had without reading flash. */
  #next(): Entry | undefined {
    return this.#front.length > 0 || this.#backlog !== undefined ? this.#front.peek() : this.#tail.peek()
  }

  #shiftNext(): Entry | undefined {
    if (this.#next() === undefined) return undefined
    return (this.#front.length > 0 ? this.#front : this.#tail).shift()
  }

  async #persist(): Promise<void> {
    const { chain } = this.#o
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
    this.#trim()
    this.#advance()
    if (failure !== undefined) throw failure
  }

  /** Keeps a window of what comes next in memory, and of the rest what flash does not have. */
  #trim(): void {
    if (this.#backlog === undefined) {
      for (
        let next = this.#tail.peek();
        next !== undefined && this.#front.bytes < this.#o.windowBytes;
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
  async #loadNext(): Promise<void> {
    while (this.#front.length === 0 && this.#backlog !== undefined) await this.#load()
    this.#mayReadAhead = true
  }

  /** Reads the next part of the backlog. */
  async #load(): Promise<void> {
    const backlog = this.#backlog
    if (backlog === undefined) return
    const { chain, windowBytes, onLost } = this.#o
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

  /** As {@link #loadNext}, for what is dropped anyway: a file that cannot be read is given up without waiting for a better moment. */
  async #loadAnyhow(): Promise<void> {
    for (let isLoaded = false; !isLoaded; )
      isLoaded = await this.#loadNext().then(
        () => true,
        () => false,
      )
  }

  /** Tells how far the lane is done, and lets go of the segments before that. */
  #advance(): void {
    if (this.#o.chain.isEmpty || this.#advancing) return
    this.#advancing = true
    void this.#serial
      .run(async () => {
        this.#advancing = false
        const position = this.#donePosition()
        if (position === undefined) return
        try {
          await this.#o.chain.deleteBefore(position)
        } finally {
          this.#o.onCursor(this.#o.chain.isEmpty ? undefined : position)
        }
      })
      .catch(() => {
        // A file that cannot be deleted now goes with the next step, or at the next start.
      })
  }

  #tellFree(): void {
    if (this.#inFlight.length > 0) return
    const onFree = this.#onFree
    this.#onFree = undefined
    onFree?.()
  }

  /** The place of the first item on flash that is not done, or the end of what is there. */
  #donePosition(): SegmentPosition | undefined {
    const first = this.#inFlight.first ?? this.#front.peek()
    if (first !== undefined) return first.place?.start ?? this.#placedEnd
    return this.#backlog?.from ?? this.#tail.peek()?.place?.start ?? this.#placedEnd
  }
}
