// SPDX-License-Identifier: Apache-2.0
import type { Clock, Timer } from '../../base/clock.ts'

/** What the cloud has not answered for this long goes to flash. */
const spillAfterMs = 2000

/** Fires when an item that is in memory alone has waited too long. Without any such item no timer runs. */
export class SpillTimer {
  readonly #clock: Clock
  readonly #spillOlderThan: (putMs: number) => number | undefined
  #timer: Timer | undefined
  #closed = false

  /** @param spillOlderThan writes what was put before the given monotonic time, and answers when the oldest of the rest was put */
  constructor(clock: Clock, spillOlderThan: (putMs: number) => number | undefined) {
    this.#clock = clock
    this.#spillOlderThan = spillOlderThan
  }

  /** An item was put. */
  arm(): void {
    if (this.#timer === undefined && !this.#closed) this.#armIn(spillAfterMs)
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  #armIn(delayMs: number): void {
    this.#timer = this.#clock.timer(delayMs, () => this.#fire(), { background: true })
  }

  #fire(): void {
    this.#timer = undefined
    if (this.#closed) return
    const nowMs = this.#clock.monotonicMs()
    const oldestMs = this.#spillOlderThan(nowMs - spillAfterMs)
    if (oldestMs !== undefined) this.#armIn(Math.max(1, oldestMs + spillAfterMs - nowMs))
  }
}
