// SPDX-License-Identifier: Apache-2.0
import { badParameter } from '../values/failure.ts'
import type { JsonObject } from '../values/json.ts'
import { optionalInteger, optionalText } from '../values/params.ts'
import { type Moment, optionalMoment } from '../values/timestamp.ts'

/** Bounds the entries of all series together, so that a long run does not fill the memory of the machine. */
export class SeriesBudget {
  used = 0
  readonly maxEntries: number

  constructor(maxEntries: number) {
    this.maxEntries = maxEntries
  }
}

/** Rows in the answer of one history command [TR50 9]. */
const maxRows = 5000

/**
 * The newest `limit` entries in the order of their timestamps. Appending is the usual case and cheap; a late entry, such as
 * one from an outbox that drains after an outage, is inserted where its timestamp belongs.
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

  /** Trims only when there is a quarter too many, so that one trim serves many inserts. */
  #trim(): void {
    const overLimit = this.#entries.length > this.#limit * 1.25
    const overBudget = this.#budget.used > this.#budget.maxEntries && this.#entries.length > 64
    if (!overLimit && !overBudget) return
    const keep = overLimit ? this.#limit : Math.ceil(this.#entries.length / 2)
    this.#budget.used -= this.#entries.length - keep
    this.#entries = this.#entries.slice(-keep)
  }

  /** How many entries were ever inserted, trimmed ones included. */
  get received(): number {
    return this.#received
  }

  get newest(): T | undefined {
    return this.#entries.at(-1)
  }

  /** The newest entry that is not later than `ms`. */
  at(ms: number): T | undefined {
    return this.#entries[this.#placeAfter(ms) - 1]
  }

  /** The entries of exactly this moment. */
  sameMoment(ms: number): readonly T[] {
    const after = this.#placeAfter(ms)
    let first = after
    while (first > 0 && this.#entries[first - 1]?.ms === ms) first--
    return this.#entries.slice(first, after)
  }

  all(): readonly T[] {
    return this.#entries.slice(-this.#limit)
  }

  /** The rows that a history command selects, oldest first: by `records`, else `last`, else `start` and `end` [TR50 3.0]. */
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

  /** Removes the entries between two moments, both included; returns their number. */
  remove(startMs: number, endMs: number): number {
    const first = this.#placeBefore(startMs)
    const removed = this.#entries.splice(first, Math.max(0, this.#placeAfter(endMs) - first)).length
    this.#budget.used -= removed
    return removed
  }

  /** Removes all entries, for a thing that is deleted. */
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
    throw badParameter(`last "${text.slice(0, 40)}" must be a number and s, m, h, d or w.`)
  return Number(match[1]) * unit
}
