import { formatTimestamp } from '../base/timestamp.ts'
import { type Lane, lanes } from './lanes.ts'

/** What was dropped since when. */
export interface DropReport {
  readonly sinceEpochMs: number
  readonly counts: ReadonlyMap<Lane, number>
}

/** Drops that the cloud has not been told of yet. */
export class DropLedger {
  #sinceEpochMs = 0
  #counts = new Map<Lane, number>()

  get isEmpty(): boolean {
    return this.#counts.size === 0
  }

  add(lane: Lane, items: number, epochMs: number): void {
    if (items === 0) return
    if (this.isEmpty) this.#sinceEpochMs = epochMs
    this.#counts.set(lane, (this.#counts.get(lane) ?? 0) + items)
  }

  /** Hands out what was counted and starts anew. */
  take(): DropReport {
    const report = { sinceEpochMs: this.#sinceEpochMs, counts: this.#counts }
    this.#counts = new Map()
    return report
  }

  /** Takes a report back that did not get through. */
  restore(report: DropReport): void {
    for (const [lane, items] of report.counts) this.add(lane, items, report.sinceEpochMs)
    this.#sinceEpochMs = Math.min(this.#sinceEpochMs, report.sinceEpochMs)
  }
}

/** The report as the text of an event. */
export function dropText(report: DropReport): string {
  const parts = lanes.filter(lane => report.counts.has(lane)).map(lane => `${report.counts.get(lane)} ${lane}`)
  return `The outbox was full: dropped since ${formatTimestamp(report.sinceEpochMs)}: ${parts.join(', ')}.`
}
