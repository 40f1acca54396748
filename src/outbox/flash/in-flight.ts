import type { StoredItem } from '../store.ts'
import { type Entry, entryBytes } from './entry-queue.ts'

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
