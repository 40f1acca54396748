// SPDX-License-Identifier: Apache-2.0
import { isJsonObject, type Json, type JsonObject } from '../../base/json.ts'
import type { Log } from '../../base/log.ts'
import type { StoreFolder } from '../../platform/store/store-folder.ts'
import type { CandidateGroup } from '../candidate-group.ts'
import type { DropReport } from '../drop-ledger.ts'
import { type Lane, lanes } from '../lanes.ts'
import type { OutboxMemos } from '../outbox-memos.ts'
import type { CandidateMemo } from '../poison-candidates.ts'
import type { SetAsideItem, SetAsideMemo } from '../set-aside.ts'
import type { StoredItem } from '../store.ts'
import { FlashMemo } from './flash-memo.ts'

export interface MemosOptions {
  readonly folder: StoreFolder
  readonly log: Log
  /** The number of this boot of the system: what a clock offset is good for. */
  readonly boot: number | undefined
}

/** What the outbox remembers beside its queue, in the folder of the queue; takes over what an earlier process left. */
export async function flashMemos({ folder, log, boot }: MemosOptions): Promise<OutboxMemos> {
  const of = { folder, log, cause: 'outbox memo' }
  const [candidates, setAside, drops] = await Promise.all([
    FlashMemo.open<readonly CandidateMemo[]>({
      ...of,
      name: 'suspects',
      toJson: all => all.map(one => candidateJson(one, boot)),
      fromJson: json => listOf(json, one => candidateOf(one, boot)),
    }),
    FlashMemo.open<SetAsideMemo>({
      ...of,
      name: 'set-aside',
      toJson: ({ total, items }) => ({ total, items: items.map(item => ({ ...item })) }),
      fromJson: setAsideOf,
    }),
    FlashMemo.open<DropReport>({
      ...of,
      name: 'drops',
      toJson: ({ counts, ...times }) => ({ ...times, counts: Object.fromEntries(counts) }),
      fromJson: dropsOf,
    }),
  ])
  return { candidates, setAside, drops }
}

function candidateJson({ group, item, isFirst }: CandidateMemo, boot: number | undefined): JsonObject {
  if (item === undefined) return isFirst === true ? { ...group, isFirst } : { ...group }
  const { epochMs, json, alone, clockOffsetMs } = item
  const clock = clockOffsetMs === undefined || boot === undefined ? {} : { clockOffsetMs, boot }
  return { ...group, item: { epochMs, json, alone, ...clock } }
}

function candidateOf(json: Json, boot: number | undefined): CandidateMemo | undefined {
  const group = groupOf(json)
  if (group === undefined || !isJsonObject(json)) return undefined
  if (json.item === undefined) return { group, isFirst: json.isFirst === true }
  const item = itemOf(json.item, boot)
  return item === undefined ? undefined : { group, item }
}

function groupOf(json: Json): CandidateGroup | undefined {
  if (!isJsonObject(json) || !Array.isArray(json.marks)) return undefined
  const { lane, portion, ends, strikes } = json
  const marks = json.marks.filter(isCount)
  if (!isLane(lane) || !isCount(portion) || !isCount(ends) || !isCount(strikes) || marks.length === 0) return undefined
  return { lane, marks, portion: Math.max(1, portion), ends, strikes }
}

/** It stands in no lane: its sequence means nothing. */
function itemOf(value: Json, boot: number | undefined): StoredItem | undefined {
  if (!isJsonObject(value)) return undefined
  const { epochMs, json, alone, clockOffsetMs } = value
  if (typeof epochMs !== 'number' || typeof json !== 'string') return undefined
  const isOfThisBoot = boot !== undefined && value.boot === boot && typeof clockOffsetMs === 'number'
  return { sequence: -1, epochMs, json, alone: alone === true, ...(isOfThisBoot ? { clockOffsetMs } : {}) }
}

function setAsideOf(json: Json): SetAsideMemo | undefined {
  if (!isJsonObject(json) || !isCount(json.total)) return undefined
  return { total: json.total, items: listOf(json.items, setAsideItemOf) }
}

function setAsideItemOf(json: Json): SetAsideItem | undefined {
  if (!isJsonObject(json)) return undefined
  const { lane, epochMs, asideEpochMs, item, bytes } = json
  if (!isLane(lane) || typeof epochMs !== 'number' || typeof asideEpochMs !== 'number') return undefined
  if (!isJsonObject(item) || !isCount(bytes)) return undefined
  return { lane, epochMs, asideEpochMs, item, bytes }
}

function dropsOf(json: Json): DropReport | undefined {
  if (!isJsonObject(json) || !isJsonObject(json.counts)) return undefined
  const { sinceEpochMs, lastEpochMs } = json
  if (typeof sinceEpochMs !== 'number' || typeof lastEpochMs !== 'number') return undefined
  const counts = new Map<Lane, number>()
  for (const [lane, items] of Object.entries(json.counts)) if (isLane(lane) && isCount(items)) counts.set(lane, items)
  return counts.size === 0 ? undefined : { sinceEpochMs, lastEpochMs, counts }
}

function listOf<T>(json: Json | undefined, parse: (one: Json) => T | undefined): readonly T[] {
  return Array.isArray(json) ? json.flatMap((one: Json) => parse(one) ?? []) : []
}

function isLane(value: unknown): value is Lane {
  return lanes.some(lane => lane === value)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}
