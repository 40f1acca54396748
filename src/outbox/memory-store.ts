import { Fifo } from './fifo.ts'
import { type Lane, lanes, perLane } from './lanes.ts'
import type { DeliveryReceipt } from './receipt.ts'
import type { Dropped, LaneSize, LastWrite, Store, StoredItem } from './store.ts'

interface Shelf {
  readonly queue: Fifo<StoredItem>
  hand: StoredItem[]
  queuedBytes: number
  handBytes: number
}

/** The outbox in memory: what it holds ends with the process. */
export class MemoryStore implements Store {
  /** About what the objects around the JSON of an item take on a 64-bit machine. */
  readonly itemOverheadBytes = 128
  readonly nextSequence = 0
  readonly limitBytes = Number.POSITIVE_INFINITY
  readonly #shelves = perLane<Shelf>(() => ({ queue: new Fifo(), hand: [], queuedBytes: 0, handBytes: 0 }))
  #items = 0
  #bytes = 0

  get items(): number {
    return this.#items
  }

  get bytes(): number {
    return this.#bytes
  }

  append(lane: Lane, item: StoredItem): void {
    const shelf = this.#shelves[lane]
    const bytes = this.#bytesOf(item)
    shelf.queue.push(item)
    shelf.queuedBytes += bytes
    this.#items++
    this.#bytes += bytes
  }

  read(lane: Lane, bounds: { readonly maxItems: number; readonly maxBytes: number }): readonly StoredItem[] {
    const shelf = this.#shelves[lane]
    let jsonBytes = 0
    for (let next = shelf.queue.peek(); next !== undefined; next = shelf.queue.peek()) {
      jsonBytes += next.json.length
      if (shelf.hand.length > 0 && (shelf.hand.length >= bounds.maxItems || jsonBytes > bounds.maxBytes)) break
      shelf.queue.shift()
      shelf.hand.push(next)
      const bytes = this.#bytesOf(next)
      shelf.queuedBytes -= bytes
      shelf.handBytes += bytes
    }
    return [...shelf.hand]
  }

  acknowledge(lane: Lane, items: readonly StoredItem[]): void {
    const shelf = this.#shelves[lane]
    const done = new Set(items)
    const left = shelf.hand.filter(item => !done.has(item))
    const bytes = left.reduce((sum, item) => sum + this.#bytesOf(item), 0)
    this.#items -= shelf.hand.length - left.length
    this.#bytes -= shelf.handBytes - bytes
    shelf.hand = left
    shelf.handBytes = bytes
  }

  release(lane: Lane): void {
    const shelf = this.#shelves[lane]
    if (shelf.hand.length === 0) return
    shelf.queue.unshift(shelf.hand)
    shelf.queuedBytes += shelf.handBytes
    shelf.hand = []
    shelf.handBytes = 0
  }

  dropOldest(lane: Lane): Dropped {
    const shelf = this.#shelves[lane]
    const item = shelf.queue.shift()
    if (item === undefined) return { items: 0, receipts: [] }
    const bytes = this.#bytesOf(item)
    shelf.queuedBytes -= bytes
    this.#items--
    this.#bytes -= bytes
    return { items: 1, receipts: item.receipt === undefined ? [] : [item.receipt] }
  }

  /** Acknowledgements are made anew from the journal of actions. */
  spill(): boolean {
    return lanes.every(lane => lane === 'ack' || this.size(lane).items === 0)
  }

  /** It promises nothing beyond the end of the process. */
  lastWrite(): LastWrite {
    return { lost: 0 }
  }

  size(lane: Lane): LaneSize {
    const { queue, hand, queuedBytes, handBytes } = this.#shelves[lane]
    const droppable = queue.peek()
    const oldest = hand[0] ?? droppable
    return {
      items: queue.length + hand.length,
      bytes: queuedBytes + handBytes,
      droppableBytes: queuedBytes,
      ...(droppable !== undefined && { oldestDroppable: droppable.sequence }),
      ...(oldest !== undefined && { oldestEpochMs: oldest.epochMs }),
    }
  }

  close(): readonly DeliveryReceipt[] {
    const receipts: DeliveryReceipt[] = []
    for (const lane of lanes) {
      this.release(lane)
      const { queue } = this.#shelves[lane]
      while (queue.length > 0) receipts.push(...this.dropOldest(lane).receipts)
    }
    return receipts
  }

  #bytesOf(item: StoredItem): number {
    return item.json.length + this.itemOverheadBytes
  }
}
