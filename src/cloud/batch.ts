import { badParameter, CommandFailure, codes } from './failure.ts'
import { isObject, type JsonObject } from './json.ts'
import { has } from './params.ts'
import { momentOf, now } from './timestamp.ts'

/** Items that one batch may hold; a fault can lower it. */
export const mostBatchItems = 50_000

/**
 * Applies a batch: every item takes what it lacks from the named defaults of the top level, a null counts as lacking; items
 * are applied in the order of their timestamps and the first error aborts the rest [TR50 3.1].
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
  if (data.length > mostBatchItems)
    throw new CommandFailure(codes.tooLarge, `data has more than ${mostBatchItems} items`)
  const given = defaults.filter(name => has(params, name))
  const batchNow = now().ts
  const items = data.map((item: unknown, index) => {
    if (!isObject(item)) throw atItem(index, badParameter('not an object'))
    const lacking = given.filter(name => !has(item, name))
    const whole = lacking.length === 0 ? item : { ...item, ...pick(params, lacking) }
    try {
      return { index, item: whole, ms: typeof whole.ts === 'string' ? momentOf(whole.ts).ms : momentOf(batchNow).ms }
    } catch (error) {
      // A wrong timestamp has no place in the order: it is met where it stands.
      return { index, item: whole, ms: undefined, error }
    }
  })
  for (const entry of inOrder(items)) {
    try {
      if (entry.error !== undefined) throw entry.error
      apply(entry.item, entry.index)
    } catch (error) {
      throw atItem(entry.index, error)
    }
  }
}

interface Timed {
  readonly ms: number | undefined
}

/** Sorts by time, keeping equal ones as they came; usually nothing is to be done. */
function inOrder<T extends Timed>(items: readonly T[]): readonly T[] {
  const sorted = items.every((item, at) => at === 0 || before(items[at - 1], item))
  return sorted ? items : [...items].sort((one, other) => (one.ms ?? 0) - (other.ms ?? 0))
}

function before(one: Timed | undefined, other: Timed): boolean {
  return one?.ms !== undefined && other.ms !== undefined && one.ms <= other.ms
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
