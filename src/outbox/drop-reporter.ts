import type { Clock, Timer } from '../base/clock.ts'
import type { JsonObject } from '../base/json.ts'
import { formatTimestamp } from '../base/timestamp.ts'
import { EventLevel, eventItem } from '../protocol/samples.ts'
import { DropLedger, dropText } from './drop-ledger.ts'
import type { Lane } from './lanes.ts'

/** An outbox that overflows for hours says so once a minute. */
const reportEveryMs = 60_000

export interface DropReporterOptions {
  readonly clock: Clock
  /** Whether the link is up and the outbox has room. */
  readonly mayReport: () => boolean
  /** Puts the report as an event; resolves when it is delivered. */
  readonly send: (event: JsonObject) => Promise<void>
}

/** Tells the cloud what was dropped: one event for many drops, once there is room and not too often. */
export class DropReporter {
  readonly #o: DropReporterOptions
  readonly #ledger = new DropLedger()
  #timer: Timer | undefined
  #reportedMs = Number.NEGATIVE_INFINITY
  #stopped = false

  constructor(options: DropReporterOptions) {
    this.#o = options
  }

  count(lane: Lane, items: number): void {
    this.#ledger.add(lane, items, this.#o.clock.now())
  }

  /** Reports if there is something to report and the moment is right. */
  report(): void {
    const { clock, mayReport, send } = this.#o
    if (this.#ledger.isEmpty || this.#timer !== undefined || this.#stopped || !mayReport()) return
    const waitMs = this.#reportedMs + reportEveryMs - clock.monotonicMs()
    if (waitMs > 0) {
      const again = () => {
        this.#timer = undefined
        this.report()
      }
      this.#timer = clock.timer(waitMs, again, { background: true })
      return
    }
    this.#reportedMs = clock.monotonicMs()
    const report = this.#ledger.take()
    const event = { msg: dropText(report), ts: formatTimestamp(clock.now()), level: EventLevel.Warning }
    // A report that was dropped itself is told with the next one.
    send(eventItem(event)).catch(() => this.#ledger.restore(report))
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
