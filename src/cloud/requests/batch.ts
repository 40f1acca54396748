import { badParameter, CommandFailure, codes } from '../values/failure.ts'
import { isObject, type JsonObject } from '../values/json.ts'
import { has } from '../values/params.ts'
import { momentOf, now } from '../values/timestamp.ts'

/** Items that one batch may hold; a fault can lower it. */
export const maxBatchItems = 50_000

/**
 * Applies a batch: every item takes what it lacks from the named defaults of the top level, a null counts as lacking; items
 * are applied in the order of their timestamps and the first error aborts the rest [TR50 3.0].
 *
 * Only the defaults that a command documents are taken: the old agent fills the top level with text that means nothing.
 */
export function applyBatch(
  params: JsonObject,
  defaults: readonly string[],
  apply: (item: JsonObject, index: number) => void,
): void {
  const data = params.data
  if (!Array.isArray(data)) throw badParameter('data must be an array')
  if (data.length > maxBatchItems) throw new CommandFailure(codes.tooLarge, `data has more than ${maxBatchItems} items`)
  const given = defaults.filter(name => has(params, name))
  const nowMs = now().ms
  let lastMs = nowMs
  const items = data.map((item: unknown, index): Item => {
    if (!isObject(item)) throw atItem(index, badParameter('not an object'))
    const lacking = given.filter(name => !has(item, name))
    const whole = lacking.length === 0 ? item : { ...item, ...pick(params, lacking) }
    try {
      lastMs = typeof whole.ts === 'string' ? momentOf(whole.ts).ms : nowMs
      return { index, item: whole, ms: lastMs }
    } catch (error) {
      // A wrong timestamp has no place in the order: the error is met where the item stands.
      return { index, item: whole, ms: lastMs, error }
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

/** Sorts by time, keeping equal ones as they came; usually nothing is to be done. */
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
