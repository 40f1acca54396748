import { Fifo } from '../fifo.ts'
import type { StoredItem } from '../store.ts'
import { type FlashPlace, flashBytes } from './segment-chain.ts'

/** An item in memory; it has a place when it is on flash too. */
export interface Entry {
  item: StoredItem
  /** When it was put, monotonic. */
  readonly putMs: number
  place?: FlashPlace
  done: boolean
}

/** Bytes of an entry, as they count on flash and against the bound of the outbox. */
export function entryBytes(entry: Entry): number {
  return flashBytes(entry.item)
}

/** A queue of entries that knows its bytes. */
export class EntryQueue {
  readonly #entries = new Fifo<Entry>()
  #bytes = 0

  get length(): number {
    return this.#entries.length
  }

  get bytes(): number {
    return this.#bytes
  }

  peek(): Entry | undefined {
    return this.#entries.peek()
  }

  push(entry: Entry): void {
    this.#entries.push(entry)
    this.#bytes += entryBytes(entry)
  }

  shift(): Entry | undefined {
    const entry = this.#entries.shift()
    if (entry !== undefined) this.#bytes -= entryBytes(entry)
    return entry
  }

  /** Empties it. */
  takeAll(): readonly Entry[] {
    const all: Entry[] = []
    for (let entry = this.shift(); entry !== undefined; entry = this.shift()) all.push(entry)
    return all
  }

  /** Puts entries back at the head, the first of them foremost. */
  unshift(entries: readonly Entry[]): void {
    this.#entries.unshift(entries)
    for (const entry of entries) this.#bytes += entryBytes(entry)
  }
}
