// SPDX-License-Identifier: Apache-2.0
import type { Lane } from '../../src/outbox/lanes.ts'
import { MemoryStore } from '../../src/outbox/memory-store.ts'
import type { DeliveryReceipt } from '../../src/outbox/receipt.ts'
import type { Dropped, LaneSize, LastWrite, Store, StoredItem } from '../../src/outbox/store.ts'

/** A store that answers everything in a later turn, as one on flash does, and may fail. */
export class SlowStore implements Store {
  readonly #memory = new MemoryStore()
  /** Set: the next operation fails with it. */
  failOnce: Error | undefined
  /** What was asked of it after it was told to close. */
  callsAfterClose = 0
  #isClosing = false

  readonly itemOverheadBytes = this.#memory.itemOverheadBytes
  readonly nextSequence = 100
  readonly limitBytes = Number.POSITIVE_INFINITY

  get items(): number {
    return this.#memory.items
  }

  get bytes(): number {
    return this.#memory.bytes
  }

  append(lane: Lane, item: StoredItem): Promise<void> {
    return this.#later(() => this.#memory.append(lane, item))
  }

  read(lane: Lane, bounds: { readonly maxItems: number; readonly maxBytes: number }): Promise<readonly StoredItem[]> {
    return this.#later(() => {
      const { bytes, droppableBytes } = this.#memory.size(lane)
      if (bytes !== droppableBytes) throw new Error('read while something is in flight')
      return this.#memory.read(lane, bounds)
    })
  }

  acknowledge(lane: Lane, items: readonly StoredItem[]): Promise<void> {
    return this.#later(() => this.#memory.acknowledge(lane, items))
  }

  release(lane: Lane): Promise<void> {
    return this.#later(() => this.#memory.release(lane))
  }

  dropOldest(lane: Lane): Promise<Dropped> {
    return this.#later(() => this.#memory.dropOldest(lane))
  }

  spill(): Promise<boolean> {
    return this.#later(() => this.#memory.spill())
  }

  lastWrite(): LastWrite {
    return this.#memory.lastWrite()
  }

  size(lane: Lane): LaneSize {
    return this.#memory.size(lane)
  }

  close(): Promise<readonly DeliveryReceipt[]> {
    const closed = this.#later(() => this.#memory.close())
    this.#isClosing = true
    return closed
  }

  async #later<T>(work: () => T): Promise<T> {
    if (this.#isClosing) this.callsAfterClose++
    await new Promise<void>(resolve => setImmediate(resolve))
    const error = this.failOnce
    this.failOnce = undefined
    if (error !== undefined) throw error
    return work()
  }
}
