// SPDX-License-Identifier: Apache-2.0
/** Something small that outlives the process, beside the queue. */
export interface Memo<T> {
  /** What an earlier process left. */
  readonly found: T | undefined
  /** Writes it down, in order; undefined takes it away. Resolves to whether the disk has it; never rejects. */
  save(value: T | undefined): Promise<boolean>
  /** Writes it down while the caller waits, because the process ends. Throws what the disk says. */
  saveNow(value: T): void
}

/** Remembers nothing: for an outbox in memory. */
export function noMemo<T>(): Memo<T> {
  return { found: undefined, save: async () => true, saveNow: () => {} }
}
