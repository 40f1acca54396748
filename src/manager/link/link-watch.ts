// SPDX-License-Identifier: Apache-2.0
import type { Clock, Timer } from '../../base/clock.ts'

/**
 * `keep_alive`: calls back when there was no link for so many seconds in a row, counted from the start too, as the Python
 * agent did; 0 waits for ever.
 */
export class LinkWatch {
  readonly #clock: Clock
  readonly #longestMs: number
  readonly #onExpired: () => void
  #timer: Timer | undefined

  constructor(parts: { clock: Clock; keepAliveS: number; onExpired: () => void }) {
    this.#clock = parts.clock
    this.#longestMs = parts.keepAliveS * 1000
    this.#onExpired = parts.onExpired
  }

  /**
   * The link is down. A second call changes nothing.
   *
   * @param sinceMonotonicMs since when; default: now. A session that the cloud ends at once was no link [H17].
   */
  down(sinceMonotonicMs: number = this.#clock.monotonicMs()): void {
    if (this.#longestMs === 0 || this.#timer !== undefined) return
    const passedMs = this.#clock.monotonicMs() - sinceMonotonicMs
    this.#timer = this.#clock.timer(Math.max(0, this.#longestMs - passedMs), this.#onExpired)
  }

  /** The link is up, or the manager ends. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
