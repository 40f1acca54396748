// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../base/errors.ts'
import { chooseEviction, droppableBytes } from './eviction.ts'
import type { Lane } from './lanes.ts'
import type { Dropped, LaneSize, Store } from './store.ts'

interface RoomParts {
  readonly store: Store
  /** Bound of all that waits, in bytes as the store counts them. */
  readonly maxBytes: number
  /** Bytes of what waits outside of the store. */
  readonly heldBytes: () => number
  /** Items were dropped, or a new one was not taken. */
  readonly onDropped: (lane: Lane, dropped: Dropped) => void
}

/** Makes room for new items in an outbox that is full: drops the oldest of the least important. */
export class Room {
  readonly #parts: RoomParts
  readonly #size: (lane: Lane) => LaneSize
  #making: Promise<void> | undefined

  constructor(parts: RoomParts) {
    this.#parts = parts
    this.#size = lane => parts.store.size(lane)
  }

  /**
   * Makes room for one item; a promise only where the store answers with one, or where earlier items still wait for room in a
   * slow store, because the new one must not overtake them. Then {@link queueBehind} must be called.
   *
   * @throws AgentError `OUTBOX_FULL` when only more important items could make room
   */
  make(lane: Lane, jsonBytes: number): undefined | Promise<void> {
    return this.#making === undefined
      ? this.#drop(lane, jsonBytes)
      : this.#making.then(() => this.#drop(lane, jsonBytes))
  }

  /** What is put from now on waits until `work`, the putting of an item that had to wait for room, has ended. */
  queueBehind(work: Promise<unknown>): void {
    const done = () => {
      if (this.#making === making) this.#making = undefined
    }
    const making: Promise<void> = work.then(done, done)
    this.#making = making
  }

  /** Resolves when no item waits for room. */
  async made(): Promise<void> {
    await this.#making
  }

  #drop(lane: Lane, jsonBytes: number): undefined | Promise<void> {
    const { store, onDropped } = this.#parts
    const maxBytes = Math.min(this.#parts.maxBytes, store.limitBytes)
    const bytes = jsonBytes + store.itemOverheadBytes
    if (this.#bytes + bytes <= maxBytes) return undefined
    if (this.#bytes - droppableBytes(lane, this.#size) + bytes > maxBytes) {
      onDropped(lane, { items: 1, receipts: [] })
      throw fullError(lane)
    }
    while (this.#bytes + bytes > maxBytes) {
      const evicted = chooseEviction(lane, this.#size)
      if (evicted === undefined) throw fullError(lane)
      const dropped = store.dropOldest(evicted)
      if (dropped instanceof Promise)
        return dropped.then(late => {
          onDropped(evicted, late)
          return this.#drop(lane, jsonBytes)
        })
      onDropped(evicted, dropped)
    }
    return undefined
  }

  get #bytes(): number {
    return this.#parts.store.bytes + this.#parts.heldBytes()
  }
}

/** The error of an item that was dropped, or not taken, because the outbox is full. */
export function fullError(lane: Lane): AgentError {
  return new AgentError('OUTBOX_FULL', `The outbox is full; an item of lane ${lane} was dropped.`, {
    details: { lane },
  })
}
