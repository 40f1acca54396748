// SPDX-License-Identifier: Apache-2.0
import type { Clock, Timer } from '../base/clock.ts'
import { asAgentError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { formatTimestamp } from '../base/timestamp.ts'
import { EventLevel, eventItem } from '../protocol/samples.ts'
import { DropLedger, type DropReport, dropText } from './drop-ledger.ts'
import type { Lane } from './lanes.ts'
import type { Memo } from './memo.ts'

/** An outbox that overflows for hours says so once a minute. */
const reportEveryMs = 60_000
/** A process that is killed takes the drops of so long with it. */
const saveAfterMs = 60_000

export interface DropReporterOptions {
  readonly clock: Clock
  /** Whether the link is up and the outbox has room. */
  readonly mayReport: () => boolean
  /** Puts the report as an event. */
  readonly send: (event: JsonObject) => Promise<{ delivered(): Promise<void> }>
  /** Where drops are remembered that are not reported yet. */
  readonly memo: Memo<DropReport>
}

/**
 * Reports to the cloud what was dropped: one event for many drops, once there is room and not too often. What this process
 * cannot report, the next process does.
 */
export class DropReporter {
  readonly #options: DropReporterOptions
  readonly #ledger = new DropLedger()
  #timer: Timer | undefined
  #saveTimer: Timer | undefined
  #reportedMs = Number.NEGATIVE_INFINITY
  #isSaved = true
  #writing: Promise<void> | undefined
  #isFileThere: boolean
  #stopped = false

  constructor(options: DropReporterOptions) {
    this.#options = options
    const { found } = options.memo
    this.#isFileThere = found !== undefined
    if (found !== undefined) this.#ledger.restore(found)
  }

  count(lane: Lane, items: number): void {
    if (items === 0) return
    this.#ledger.add(lane, items, this.#options.clock.now())
    this.#changed()
  }

  /** Reports if there is something to report and the moment is right. */
  report(): void {
    const { clock, mayReport } = this.#options
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
    void this.#send(this.#ledger.take())
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#timer = undefined
    this.#saveTimer?.cancel()
    this.#saveTimer = undefined
  }

  /** Writes down what is not reported yet, unless it is known to be on flash. */
  async save(): Promise<void> {
    this.#saveTimer?.cancel()
    this.#saveTimer = undefined
    // That write may be under way still.
    if (this.#isSaved) return await this.#writing
    this.#isSaved = true
    const left = this.#ledger.isEmpty ? undefined : this.#ledger.left()
    if (left === undefined && !this.#isFileThere) return
    const written = this.#options.memo.save(left)
    this.#writing = written.then(() => {})
    const isWritten = await written
    if (isWritten) this.#isFileThere = left !== undefined
    else this.#isSaved = false
  }

  /** As {@link save}, while the caller waits. A report that is in the queue needs no memo. */
  saveNow(): void {
    if (this.#isSaved || (this.#ledger.isEmpty && !this.#isFileThere)) return
    this.#options.memo.saveNow(this.#ledger.left())
  }

  async #send(report: DropReport): Promise<void> {
    const { clock, send } = this.#options
    const event = { msg: dropText(report), ts: formatTimestamp(clock.now()), level: EventLevel.Warning }
    try {
      const receipt = await send(eventItem(event))
      // At the end of the process the report is in the queue, and the next process sends it: that one must not report the same twice.
      this.#isSaved = false
      await receipt.delivered()
      await this.save()
    } catch (error) {
      if (this.#stopped && asAgentError(error).code === 'CLOSED') return
      // What a dropped report said goes into the next report.
      this.#ledger.restore(report)
      this.#changed()
    }
  }

  #changed(): void {
    this.#isSaved = false
    if (this.#stopped || this.#saveTimer !== undefined) return
    this.#saveTimer = this.#options.clock.timer(saveAfterMs, () => void this.save(), { background: true })
  }
}
