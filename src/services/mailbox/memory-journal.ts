// SPDX-License-Identifier: Apache-2.0
import type { ActionOutcome, RecordOptions } from '../../protocol/action-reply.ts'
import type { Journal, JournalEntry } from './journal.ts'
import type { MailCall } from './mail.ts'

/** How many settled mails are remembered with their outcome. */
const maxSettled = 1000
/** How many characters of JSON the remembered outcomes have together. */
const maxSettledChars = 1024 * 1024

/**
 * A journal that lives as long as the process. Mails with an answer on its way are always kept; of the settled ones the
 * oldest are forgotten beyond {@link maxSettled} and {@link maxSettledChars}.
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
    return this.all().filter(({ settled }) => !settled)
  }

  async accept(id: string, call: MailCall): Promise<void> {
    this.#entries.set(id, { id, call, state: 'accepted' })
  }

  async start(id: string, { bootId }: RecordOptions & { readonly bootId?: string | undefined } = {}): Promise<void> {
    this.#change(id, ({ call }) => ({
      id,
      ...(call === undefined ? {} : { call }),
      state: 'started',
      ...(bootId === undefined ? {} : { bootId }),
    }))
  }

  async handOver(
    id: string,
    outcome: ActionOutcome | undefined,
    options: { readonly onlyAfterReboot: boolean },
  ): Promise<void> {
    this.#change(id, entry => ({
      ...entry,
      state: 'handed over',
      ...(outcome === undefined ? {} : { outcome }),
      ...(options.onlyAfterReboot ? { onlyAfterReboot: true } : {}),
    }))
  }

  async finish(id: string, outcome: ActionOutcome): Promise<void> {
    // The call is not needed any more; its parameters may be large.
    if (!this.#settled.has(id)) this.#entries.set(id, { id, state: 'finished', outcome })
  }

  /** Everything that is known, oldest first. */
  all(): readonly JournalEntry[] {
    return [...this.#entries.values()]
  }

  async settle(id: string): Promise<void> {
    const entry = this.#entries.get(id)
    if (entry === undefined || this.#settled.has(id)) return
    const { outcome } = entry
    const settled: JournalEntry = {
      id,
      state: 'finished',
      ...(outcome === undefined ? {} : { outcome }),
      settled: true,
    }
    this.#entries.set(id, settled)
    const chars = JSON.stringify(settled).length
    this.#settled.set(id, chars)
    this.#settledChars += chars
    for (const [oldest, size] of this.#settled) {
      if (this.#settled.size <= maxSettled && this.#settledChars <= maxSettledChars) return
      this.#settled.delete(oldest)
      this.#entries.delete(oldest)
      this.#settledChars -= size
    }
  }

  /** What is finished does not change any more. */
  #change(id: string, change: (entry: JournalEntry) => JournalEntry): void {
    const entry = this.#entries.get(id)
    if (entry !== undefined && entry.state !== 'finished') this.#entries.set(id, change(entry))
  }
}
