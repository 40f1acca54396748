// SPDX-License-Identifier: Apache-2.0
import { type Clock, earliestSetClockMs } from '../base/clock.ts'
import { formatTimestamp, parseTimestamp } from '../base/timestamp.ts'

/** A later correction smaller than this changes nothing: a sample that is sent again must have the time of the first try. */
const steadyWithinMs = 60_000
/** As the agent writes it [TR50 2.5]; a quote inside of a text is escaped, so nothing else in an item looks like this. */
const stamp = /"ts":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})(\d{3})Z"/

/**
 * Puts right the times of samples that were taken before the clock was set. The distance between the wall clock and the
 * clock that counts from the start of the system, then and now, shows by how much the wall clock was wrong.
 */
export class ClockRepair {
  readonly #clock: Clock
  #rightMs: number | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** What an item remembers that is put now: nothing once the clock is set. */
  mark(epochMs: number): { readonly clockOffsetMs?: number } {
    return epochMs >= earliestSetClockMs ? {} : { clockOffsetMs: epochMs - this.#clock.monotonicMs() }
  }

  /** The distance of the clock that is set; undefined while it is not. */
  rightOffsetMs(): number | undefined {
    const epochMs = this.#clock.now()
    if (epochMs < earliestSetClockMs) return this.#rightMs
    const offsetMs = epochMs - this.#clock.monotonicMs()
    if (this.#rightMs === undefined || Math.abs(offsetMs - this.#rightMs) > steadyWithinMs) this.#rightMs = offsetMs
    return this.#rightMs
  }
}

/** Longest time between the reading of the clock and the putting of the item. */
const nearMs = 86_400_000

/**
 * The JSON of an item with its time moved; `putMs` is when it was put, by the clock that was not set. A time that this clock
 * cannot have given, because it is later than that of a clock that was set or far from `putMs`, stays as it is.
 */
export function movedInTime(json: string, putMs: number, byMs: number): string {
  return json.replace(stamp, (whole, upToMs: string, micros: string) => {
    const epochMs = parseTimestamp(`${upToMs}Z`)
    if (epochMs === undefined || epochMs >= earliestSetClockMs || Math.abs(epochMs - putMs) > nearMs) return whole
    return `"ts":"${formatTimestamp(Math.round(epochMs + byMs) + Number(micros) / 1000)}"`
  })
}
