// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util'
import { isJsonObject, type JsonObject, parseJson } from '../base/json.ts'
import type { Lane } from './lanes.ts'
import type { Memo } from './memo.ts'
import type { StoredItem } from './store.ts'

/** A poison item that was set aside. */
export interface SetAsideItem {
  readonly lane: Lane
  /** When it was put, wall clock. */
  readonly epochMs: number
  /** When it was set aside, wall clock. */
  readonly asideEpochMs: number
  readonly item: JsonObject
  /** Bytes of its JSON. */
  readonly bytes: number
}

export interface SetAsideMemo {
  /** How many were ever set aside, those included that are not kept any more. */
  readonly total: number
  /** The oldest first. */
  readonly items: readonly SetAsideItem[]
}

/** What was set aside, as the status shows it. */
export interface SetAsideStats {
  /** Since the folder of the queue was made, or in memory since the start. */
  readonly total: number
  readonly kept: number
  readonly keptBytes: number
  readonly lastEpochMs: number
  readonly lastLane: Lane
  readonly lastBytes: number
}

/** The newest are kept, at least one. */
const maxItems = 100
const maxBytes = 1024 * 1024

/** Quarantine: poison items, kept for the operator who looks for the reason, and never sent again. Bounded, and all are counted. */
export class SetAside {
  readonly #memo: Memo<SetAsideMemo>
  #total: number
  #items: readonly SetAsideItem[]
  #isSaved = true

  constructor(memo: Memo<SetAsideMemo>) {
    this.#memo = memo
    this.#total = memo.found?.total ?? 0
    this.#items = memo.found?.items ?? []
  }

  /** Resolves when it is on flash, or the disk has refused it: then it is kept in memory. */
  async add(lane: Lane, { json, epochMs }: StoredItem, asideEpochMs: number): Promise<void> {
    const parsed = parseJson(json)
    const item = isJsonObject(parsed) ? parsed : {}
    this.#total++
    this.#items = newest([...this.#items, { lane, epochMs, asideEpochMs, item, bytes: json.length }])
    this.#isSaved = false
    await this.saveAgain()
  }

  /** Writes what a disk that was full did not take. */
  async saveAgain(): Promise<void> {
    if (!this.#isSaved) this.#isSaved = await this.#memo.save({ total: this.#total, items: this.#items })
  }

  /** As {@link saveAgain}, while the caller waits, because the process ends. */
  saveNow(): void {
    if (!this.#isSaved) this.#memo.saveNow({ total: this.#total, items: this.#items })
  }

  /** Whether this very item was set aside: a process may end before it has let go of it. */
  has(lane: Lane, { json, epochMs }: StoredItem): boolean {
    return this.#items.some(
      one =>
        one.lane === lane &&
        one.epochMs === epochMs &&
        one.bytes === json.length &&
        isDeepStrictEqual(one.item, parseJson(json)),
    )
  }

  /** Undefined when nothing was ever set aside. */
  stats(): SetAsideStats | undefined {
    const last = this.#items.at(-1)
    if (last === undefined) return undefined
    return {
      total: this.#total,
      kept: this.#items.length,
      keptBytes: bytesOf(this.#items),
      lastEpochMs: last.asideEpochMs,
      lastLane: last.lane,
      lastBytes: last.bytes,
    }
  }
}

function newest(items: readonly SetAsideItem[]): readonly SetAsideItem[] {
  let kept = items.slice(-maxItems)
  while (kept.length > 1 && bytesOf(kept) > maxBytes) kept = kept.slice(1)
  return kept
}

function bytesOf(items: readonly SetAsideItem[]): number {
  return items.reduce((sum, { bytes }) => sum + bytes, 0)
}
