// SPDX-License-Identifier: Apache-2.0
import type { DropReport } from './drop-ledger.ts'
import type { Memo } from './memo.ts'
import type { CandidateMemo } from './poison-candidates.ts'
import type { SetAsideMemo } from './set-aside.ts'

/** What an outbox remembers beside its queue. */
export interface OutboxMemos {
  readonly candidates: Memo<readonly CandidateMemo[]>
  readonly setAside: Memo<SetAsideMemo>
  readonly drops: Memo<DropReport>
}
