// SPDX-License-Identifier: Apache-2.0
import { Fifo } from '../fifo.ts'
import type { StoredItem } from '../store.ts'
import { type FlashPlace, flashBytes } from './flash-place.ts'

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

  /** Puts entries back at the head, in their order. */
  unshift(entries: readonly Entry[]): void {
    this.#entries.unshift(entries)
    for (const entry of entries) this.#bytes += entryBytes(entry)
  }
}

/** What a lane has handed out and still answers for: the oldest of its items. */
export class InFlight {
  #entries: Entry[] = []
  #bytes = 0

  get length(): number {
    return this.#entries.length
  }

  get bytes(): number {
    return this.#bytes
  }

  get items(): readonly StoredItem[] {
    return this.#entries.map(entry => entry.item)
  }

  get first(): Entry | undefined {
    return this.#entries[0]
  }

  add(entry: Entry): void {
    this.#entries.push(entry)
    this.#bytes += entryBytes(entry)
  }

  /** Takes out the entries of `items`. */
  take(items: readonly StoredItem[]): readonly Entry[] {
    const wanted = new Set(items)
    const taken: Entry[] = []
    const left: Entry[] = []
    for (const entry of this.#entries) (wanted.has(entry.item) ? taken : left).push(entry)
    this.#entries = left
    for (const entry of taken) this.#bytes -= entryBytes(entry)
    return taken
  }

  takeAll(): readonly Entry[] {
    const entries = this.#entries
    this.#entries = []
    this.#bytes = 0
    return entries
  }
}

/** The items of a lane that memory alone has, in order: wherever in the lane they are, they are the newest ones. */
export class Unpersisted {
  readonly #entries = new Fifo<Entry>()
  #bytes = 0

  /** Bytes of those that are not done. */
  get bytes(): number {
    return this.#bytes
  }

  /** When the oldest was put, monotonic; undefined when there is none. */
  get oldestMs(): number | undefined {
    return this.#entries.peek()?.putMs
  }

  add(entry: Entry): void {
    this.#entries.push(entry)
    this.#bytes += entryBytes(entry)
  }

  /** Those that are still to be written, in order. */
  waiting(): readonly Entry[] {
    return this.#entries.values().filter(entry => !entry.done && entry.place === undefined)
  }

  /** Takes them out to be written; the caller puts back those that could not be written. Their bytes count until they have a place. */
  takeAll(): readonly Entry[] {
    const entries: Entry[] = []
    for (let entry = this.#entries.shift(); entry !== undefined; entry = this.#entries.shift())
      if (!entry.done) entries.push(entry)
    return entries
  }

  putBack(entries: readonly Entry[]): void {
    this.#entries.unshift(entries.filter(entry => !entry.done))
  }

  /** It is on flash now, unless it is done anyway. */
  place(entry: Entry, place: FlashPlace): void {
    entry.place = place
    if (!entry.done) this.#bytes -= entryBytes(entry)
  }

  /** Any item of the lane is done, one with a place as well. */
  finish(entry: Entry): void {
    entry.done = true
    if (entry.place === undefined) this.#bytes -= entryBytes(entry)
    while (this.#entries.peek()?.done) this.#entries.shift()
  }
}
