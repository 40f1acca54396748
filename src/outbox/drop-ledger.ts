// SPDX-License-Identifier: Apache-2.0
import { formatTimestamp } from '../base/timestamp.ts'
import { type Lane, lanes } from './lanes.ts'

/** What was dropped when. */
export interface DropReport {
  /** The first of it, wall clock. */
  readonly sinceEpochMs: number
  /** The last of it, wall clock. */
  readonly lastEpochMs: number
  readonly counts: ReadonlyMap<Lane, number>
}

/** Drops that are not reported to the cloud yet. */
export class DropLedger {
  #sinceEpochMs = 0
  #lastEpochMs = 0
  #counts = new Map<Lane, number>()

  get isEmpty(): boolean {
    return this.#counts.size === 0
  }

  add(lane: Lane, items: number, epochMs: number): void {
    if (items === 0) return
    if (this.isEmpty) this.#sinceEpochMs = epochMs
    this.#lastEpochMs = epochMs
    this.#counts.set(lane, (this.#counts.get(lane) ?? 0) + items)
  }

  /** Hands out what was counted and starts anew. */
  take(): DropReport {
    const report = this.left()
    this.#counts = new Map()
    return report
  }

  /** What was counted and not handed out. */
  left(): DropReport {
    return { sinceEpochMs: this.#sinceEpochMs, lastEpochMs: this.#lastEpochMs, counts: this.#counts }
  }

  /** Takes a report back that did not get through. */
  restore(report: DropReport): void {
    const lastEpochMs = this.isEmpty ? report.lastEpochMs : Math.max(this.#lastEpochMs, report.lastEpochMs)
    for (const [lane, items] of report.counts) this.add(lane, items, report.sinceEpochMs)
    this.#sinceEpochMs = Math.min(this.#sinceEpochMs, report.sinceEpochMs)
    this.#lastEpochMs = lastEpochMs
  }
}

/** The report as the text of an event. */
export function dropText(report: DropReport): string {
  const parts = lanes.filter(lane => report.counts.has(lane)).map(lane => `${report.counts.get(lane)} ${lane}`)
  const from = formatTimestamp(report.sinceEpochMs)
  return `The outbox was full: dropped from ${from} to ${formatTimestamp(report.lastEpochMs)}: ${parts.join(', ')}.`
}
