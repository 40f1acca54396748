import { badParameter } from '../values/failure.ts'
import type { JsonObject } from '../values/json.ts'
import { optionalInteger, optionalText } from '../values/params.ts'
import { type Moment, optionalMoment } from '../values/timestamp.ts'

/** How many entries all series together may hold, so that a long run does not eat the machine. */
export class SeriesBudget {
  used = 0
  readonly most: number

  constructor(most: number) {
    this.most = most
  }
}

/** The most rows that one history command answers with [TR50 9]. */
const maxRows = 5000

/**
 * Entries in the order of their timestamps, the newest `limit` of them. Appending is cheap (the usual case); an entry that
 * comes late, as from an outbox that drains after an outage, is inserted at its place.
 */
export class Series<T extends Moment> {
  #entries: T[] = []
  #received = 0
  readonly #limit: number
  readonly #budget: SeriesBudget

  constructor(limit: number, budget: SeriesBudget) {
    this.#limit = limit
    this.#budget = budget
  }

  insert(entry: T): void {
    this.#received++
    const newest = this.#entries.at(-1)
    if (newest === undefined || entry.ms >= newest.ms) this.#entries.push(entry)
    else this.#entries.splice(this.#placeAfter(entry.ms), 0, entry)
    this.#budget.used++
    this.#trim()
  }

  /** Cuts only when a quarter too many is there, so that one cut pays for many inserts. */
  #trim(): void {
    const overLimit = this.#entries.length > this.#limit * 1.25
    const overBudget = this.#budget.used > this.#budget.most && this.#entries.length > 64
    if (!overLimit && !overBudget) return
    const keep = overLimit ? this.#limit : Math.ceil(this.#entries.length / 2)
    this.#budget.used -= this.#entries.length - keep
    this.#entries = this.#entries.slice(-keep)
  }

  /** How many were ever inserted, also those that are gone. */
  get received(): number {
    return this.#received
  }

  get newest(): T | undefined {
    return this.#entries.at(-1)
  }

  /** The entry that was valid at a moment. */
  at(ms: number): T | undefined {
    return this.#entries[this.#placeAfter(ms) - 1]
  }

  /** Entries with exactly this moment. */
  sameMoment(ms: number): readonly T[] {
    const after = this.#placeAfter(ms)
    let first = after
    while (first > 0 && this.#entries[first - 1]?.ms === ms) first--
    return this.#entries.slice(first, after)
  }

  all(): readonly T[] {
    return this.#entries.slice(-this.#limit)
  }

  /** The rows that a history command asks for, oldest first: `records`, else `last`, else `start` and `end` [TR50 3.0]. */
  select(params: JsonObject): readonly T[] {
    const records = optionalInteger(params, 'records')
    if (records !== undefined) return records > 0 ? this.#entries.slice(-Math.min(records, maxRows)) : []
    const last = optionalText(params, 'last')
    const startMs = last === undefined ? optionalMoment(params, 'start')?.ms : Date.now() - durationMs(last)
    const endMs = last === undefined ? optionalMoment(params, 'end')?.ms : undefined
    const first = startMs === undefined ? 0 : this.#placeBefore(startMs)
    const after = endMs === undefined ? this.#entries.length : this.#placeAfter(endMs)
    return this.#entries.slice(first, Math.min(after, first + maxRows))
  }

  /** Removes the entries between two moments, both included; returns how many. */
  remove(startMs: number, endMs: number): number {
    const first = this.#placeBefore(startMs)
    const removed = this.#entries.splice(first, Math.max(0, this.#placeAfter(endMs) - first)).length
    this.#budget.used -= removed
    return removed
  }

  /** Forgets everything, for a thing that is deleted. */
  clear(): void {
    this.#budget.used -= this.#entries.length
    this.#entries = []
  }

  #placeAfter(ms: number): number {
    return this.#place(entry => entry.ms <= ms)
  }

  #placeBefore(ms: number): number {
    return this.#place(entry => entry.ms < ms)
  }

  /** The index of the first entry for which `stays` is false. */
  #place(stays: (entry: T) => boolean): number {
    let [low, high] = [0, this.#entries.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      const entry = this.#entries[middle]
      if (entry !== undefined && stays(entry)) low = middle + 1
      else high = middle
    }
    return low
  }
}

const unitMs: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/** Milliseconds of a text such as `24h`. */
export function durationMs(text: string): number {
  const match = /^(\d{1,9})\s*([smhdw])$/.exec(text)
  const unit = unitMs[match?.[2] ?? '']
  if (match === null || unit === undefined)
    throw badParameter(`last "${text.slice(0, 40)}": a number and s, m, h, d or w`)
  return Number(match[1]) * unit
}
