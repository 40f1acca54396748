// SPDX-License-Identifier: Apache-2.0
import { Fifo } from './fifo.ts'
import { type Lane, lanes, perLane } from './lanes.ts'
import type { DeliveryReceipt } from './receipt.ts'
import type { Dropped, LaneSize, LastWrite, Store, StoredItem } from './store.ts'

interface Shelf {
  readonly queue: Fifo<StoredItem>
  inFlight: StoredItem[]
  queuedBytes: number
  inFlightBytes: number
}

/** The outbox in memory: what it holds ends with the process. */
export class MemoryStore implements Store {
  /** About what the objects around the JSON of an item take on a 64-bit machine. */
  readonly itemOverheadBytes = 128
  readonly nextSequence = 0
  readonly limitBytes = Number.POSITIVE_INFINITY
  readonly #shelves = perLane<Shelf>(() => ({ queue: new Fifo(), inFlight: [], queuedBytes: 0, inFlightBytes: 0 }))
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
      if (shelf.inFlight.length > 0 && (shelf.inFlight.length >= bounds.maxItems || jsonBytes > bounds.maxBytes)) break
      shelf.queue.shift()
      shelf.inFlight.push(next)
      const bytes = this.#bytesOf(next)
      shelf.queuedBytes -= bytes
      shelf.inFlightBytes += bytes
    }
    return [...shelf.inFlight]
  }

  acknowledge(lane: Lane, items: readonly StoredItem[]): void {
    const shelf = this.#shelves[lane]
    const done = new Set(items)
    const left = shelf.inFlight.filter(item => !done.has(item))
    const bytes = left.reduce((sum, item) => sum + this.#bytesOf(item), 0)
    this.#items -= shelf.inFlight.length - left.length
    this.#bytes -= shelf.inFlightBytes - bytes
    shelf.inFlight = left
    shelf.inFlightBytes = bytes
  }

  release(lane: Lane): void {
    const shelf = this.#shelves[lane]
    if (shelf.inFlight.length === 0) return
    shelf.queue.unshift(shelf.inFlight)
    shelf.queuedBytes += shelf.inFlightBytes
    shelf.inFlight = []
    shelf.inFlightBytes = 0
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
    const { queue, inFlight, queuedBytes, inFlightBytes } = this.#shelves[lane]
    const droppable = queue.peek()
    const oldest = inFlight[0] ?? droppable
    return {
      items: queue.length + inFlight.length,
      bytes: queuedBytes + inFlightBytes,
      droppableBytes: queuedBytes,
      oldestDroppable: droppable?.sequence,
      oldestEpochMs: oldest?.epochMs,
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
