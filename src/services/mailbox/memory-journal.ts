import type { Journal, JournalEntry } from './journal.ts'
import type { MailCall, MailOutcome } from './mail.ts'

/** How many settled mails are remembered with their outcome. */
export const mostSettled = 1000
/** How many characters of JSON the remembered outcomes have together. */
export const mostSettledChars = 1024 * 1024

/**
 * A journal that lives as long as the process. Mails whose answer is on its way are always kept; of the settled ones the
 * oldest are forgotten beyond {@link mostSettled} and {@link mostSettledChars}.
 */
export class MemoryJournal implements Journal {
  readonly #entries = new Map<string, JournalEntry>()
  /** The settled ids with the size of their outcome, oldest first. */
  readonly #settled = new Map<string, number>()
  #settledChars = 0

  async find(id: string): Promise<JournalEntry | undefined> {
    return this.#entries.get(id)
  }

  async unsettled(): Promise<readonly JournalEntry[]> {
    return [...this.#entries.values()].filter(({ id }) => !this.#settled.has(id))
  }

  async accept(id: string, call: MailCall | undefined): Promise<void> {
    this.#entries.set(id, { id, state: 'accepted', ...(call === undefined ? {} : { call }) })
  }

  async start(id: string, bootId?: string): Promise<void> {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    this.#entries.set(id, { ...entry, state: 'started', ...(bootId === undefined ? {} : { bootId }) })
  }

  async finish(id: string, outcome: MailOutcome): Promise<void> {
    // The call is not needed any more; its parameters may be large.
    this.#entries.set(id, { id, state: 'finished', outcome })
  }

  /** Everything that is known, oldest first. */
  all(): readonly { readonly entry: JournalEntry; readonly settled: boolean }[] {
    return [...this.#entries.values()].map(entry => ({ entry, settled: this.#settled.has(entry.id) }))
  }

  async settle(id: string): Promise<void> {
    const entry = this.#entries.get(id)
    if (entry === undefined || this.#settled.has(id)) return
    const chars = JSON.stringify(entry).length
    this.#settled.set(id, chars)
    this.#settledChars += chars
    for (const [oldest, size] of this.#settled) {
      if (this.#settled.size <= mostSettled && this.#settledChars <= mostSettledChars) return
      this.#settled.delete(oldest)
      this.#entries.delete(oldest)
      this.#settledChars -= size
    }
  }
}
