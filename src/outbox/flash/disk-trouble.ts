// SPDX-License-Identifier: Apache-2.0
import { backoffMs } from '../../base/backoff.ts'
import type { Clock, Timer } from '../../base/clock.ts'
import { type AgentError, asAgentError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { StoreFolder } from '../../platform/store/store-folder.ts'

const probeName = 'probe'
const retry = { firstMs: 5000, maxMs: 300_000 }
/** A disk that takes things for less than this is not well: retries go on getting rarer, so that the alarms do. */
const wellAfterMs = 600_000

/** Whether the disk takes what is written; when it does not, tries again until it does. */
export class DiskTrouble {
  readonly #folder: StoreFolder
  readonly #clock: Clock
  readonly #log: Log
  readonly #onChange: (trouble: AgentError | undefined) => void
  readonly #catchUp: () => Promise<void>
  #error: AgentError | undefined
  #failures = 0
  #healedMs = Number.NEGATIVE_INFINITY
  #timer: Timer | undefined
  #probing = false
  #closed = false

  constructor(parts: {
    readonly folder: StoreFolder
    readonly clock: Clock
    readonly log: Log
    /** Takes up what could not be done, the writing of all that waits at the end; rejects when the disk does not take it. */
    readonly catchUp: () => Promise<void>
    /** The trouble began, or is over (undefined). */
    readonly onChange: (trouble: AgentError | undefined) => void
  }) {
    this.#folder = parts.folder
    this.#clock = parts.clock
    this.#log = parts.log
    this.#onChange = parts.onChange
    this.#catchUp = parts.catchUp
  }

  /** Why the disk takes nothing; undefined while it does. */
  get error(): AgentError | undefined {
    return this.#error
  }

  /** A write failed. */
  failed(cause: unknown): void {
    const error = asAgentError(cause)
    if (this.#error === undefined) {
      if (this.#clock.monotonicMs() - this.#healedMs > wellAfterMs) this.#failures = 0
      this.#log.error('the outbox cannot be written to flash; it is kept in memory until it can', {
        error: error.message,
      })
      this.#error = error
      this.#onChange(error)
    }
    if (this.#closed || this.#timer !== undefined || this.#probing) return
    const delayMs = backoffMs(retry, this.#failures++, this.#clock.random())
    this.#timer = this.#clock.timer(delayMs, () => this.#retry(), { background: true })
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  #retry(): void {
    this.#timer = undefined
    this.#probing = true
    this.#probe().then(
      () => {
        this.#probing = false
        this.#heal()
      },
      error => {
        this.#probing = false
        this.failed(error)
      },
    )
  }

  #heal(): void {
    this.#healedMs = this.#clock.monotonicMs()
    if (this.#error === undefined) return
    this.#error = undefined
    this.#log.info('the outbox is written to flash again')
    this.#onChange(undefined)
  }

  /**
   * Whether the disk takes things again: only a write shows it. One byte first, because on a disk that is full nothing is
   * to be worn out; then all that waits, because a disk that takes one byte may still not take that.
   */
  async #probe(): Promise<void> {
    await this.#folder.prepare()
    await this.#folder.replace(probeName, new Uint8Array(1), 'outbox probe')
    await this.#folder.remove(probeName)
    await this.#catchUp()
  }
}
