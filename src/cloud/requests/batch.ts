// SPDX-License-Identifier: Apache-2.0
import { badParameter, CommandFailure, codes } from '../values/failure.ts'
import { isObject, type JsonObject } from '../values/json.ts'
import { has } from '../values/params.ts'
import { momentOf, now } from '../values/timestamp.ts'

/** Items that one batch may hold; the fault `batchLimit` lowers it. */
export const maxBatchItems = 50_000

/**
 * Applies a batch. Fields that an item lacks, or that are null, come from the top level; items are applied in the order of
 * their timestamps, and the first error ends the batch [TR50 3.0].
 *
 * @param defaults the fields of the top level that are used; the old agent puts meaningless text into the others
 */
export function applyBatch(
  params: JsonObject,
  defaults: readonly string[],
  apply: (item: JsonObject, index: number) => void,
): void {
  const data = params.data
  if (!Array.isArray(data)) throw badParameter('data must be an array.')
  if (data.length > maxBatchItems)
    throw new CommandFailure(codes.tooLarge, `data has more than ${maxBatchItems} items.`)
  const usedDefaults = defaults.filter(name => has(params, name))
  const nowMs = now().ms
  let lastMs = nowMs
  const items = data.map((item: unknown, index): Item => {
    if (!isObject(item)) throw atItem(index, badParameter('must be an object.'))
    const missing = usedDefaults.filter(name => !has(item, name))
    const complete = missing.length === 0 ? item : { ...item, ...pick(params, missing) }
    try {
      lastMs = typeof complete.ts === 'string' ? momentOf(complete.ts).ms : nowMs
      return { index, item: complete, ms: lastMs }
    } catch (error) {
      // An item with an invalid timestamp keeps its position, where its error ends the batch.
      return { index, item: complete, ms: lastMs, error }
    }
  })
  for (const { item, index, error } of inOrder(items)) {
    try {
      if (error !== undefined) throw error
      apply(item, index)
    } catch (failure) {
      throw atItem(index, failure)
    }
  }
}

interface Item {
  readonly index: number
  readonly item: JsonObject
  readonly ms: number
  readonly error?: unknown
}

/** Sorts by time; items of one time keep their order. Most batches are sorted already. */
function inOrder(items: readonly Item[]): readonly Item[] {
  const isSorted = items.every((item, at) => at === 0 || (items[at - 1]?.ms ?? 0) <= item.ms)
  return isSorted ? items : [...items].sort((one, other) => one.ms - other.ms)
}

function pick(params: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(names.map(name => [name, params[name]]))
}

function atItem(index: number, error: unknown): unknown {
  if (!(error instanceof CommandFailure)) return error
  return new CommandFailure(
    error.errorCodes,
    error.errorMessages.map(message => `data[${index}]: ${message}`),
  )
}
