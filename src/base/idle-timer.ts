// SPDX-License-Identifier: Apache-2.0
import type { Clock, Timer } from './clock.ts'

/**
 * Calls back after a time without activity: {@link IdleTimer.touch} restarts the wait, {@link IdleTimer.pause} suspends it until
 * the next touch. Both are called for every piece of a large body, so neither sets a timer while one is pending.
 */
export class IdleTimer {
  readonly #clock: Clock
  readonly #idleMs: number
  readonly #onIdle: () => void
  readonly #background: boolean
  #timer: Timer | undefined
  #sinceMs: number | undefined

  /** @param options.background the timer does not keep the process alive */
  constructor(clock: Clock, idleMs: number, onIdle: () => void, { background = false } = {}) {
    this.#clock = clock
    this.#idleMs = idleMs
    this.#onIdle = onIdle
    this.#background = background
  }

  touch(): void {
    this.#sinceMs = this.#clock.monotonicMs()
    if (this.#timer === undefined) this.#arm(this.#idleMs)
  }

  pause(): void {
    this.#sinceMs = undefined
  }

  /** As {@link pause}, and no timer stays behind. */
  stop(): void {
    this.pause()
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #arm(delayMs: number): void {
    this.#timer = this.#clock.timer(delayMs, () => this.#onTimer(), { background: this.#background })
  }

  #onTimer(): void {
    this.#timer = undefined
    if (this.#sinceMs === undefined) return
    const leftMs = this.#idleMs - (this.#clock.monotonicMs() - this.#sinceMs)
    if (leftMs > 0) this.#arm(leftMs)
    else this.#onIdle()
  }
}
