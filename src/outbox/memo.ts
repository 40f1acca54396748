// SPDX-License-Identifier: Apache-2.0
import type { DropReport } from './drop-ledger.ts'
import type { CandidateMemo } from './poison-candidates.ts'
import type { SetAsideMemo } from './set-aside.ts'

/** Something small that outlives the process, beside the queue. */
export interface Memo<T> {
  /** What an earlier process left. */
  readonly found: T | undefined
  /** Writes it down, in order; undefined takes it away. Resolves to whether the disk has it; never rejects. */
  save(value: T | undefined): Promise<boolean>
  /** Writes it down while the caller waits, because the process ends. Throws what the disk says. */
  saveNow(value: T): void
}

/** What an outbox remembers beside its queue. */
export interface OutboxMemos {
  readonly candidates: Memo<readonly CandidateMemo[]>
  readonly setAside: Memo<SetAsideMemo>
  readonly drops: Memo<DropReport>
}

/** Remembers nothing: for an outbox in memory. */
export function noMemo<T>(): Memo<T> {
  return { found: undefined, save: async () => true, saveNow: () => {} }
}
