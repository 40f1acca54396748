import { Fifo } from '../fifo.ts'
import { type Entry, entryBytes } from './entry-queue.ts'
import type { FlashPlace } from './segment-chain.ts'

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

  /** Takes them out to be written; those whose write fails come back. Their bytes count until they have a place. */
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
