import type { Clock, Timer } from '../base/clock.ts'

/**
 * Calls back after a time without activity: {@link IdleTimer.touch} restarts the wait, {@link IdleTimer.pause} suspends it until
 * the next touch. Both are called for every piece of a large body, so neither sets a timer while one is pending.
 */
export class IdleTimer {
  readonly #clock: Clock
  readonly #idleMs: number
  readonly #onIdle: () => void
  #timer: Timer | undefined
  #sinceMs: number | undefined

  constructor(clock: Clock, idleMs: number, onIdle: () => void) {
    this.#clock = clock
    this.#idleMs = idleMs
    this.#onIdle = onIdle
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
    this.#timer = this.#clock.timer(delayMs, () => this.#onTimer())
  }

  #onTimer(): void {
    this.#timer = undefined
    if (this.#sinceMs === undefined) return
    const leftMs = this.#idleMs - (this.#clock.monotonicMs() - this.#sinceMs)
    if (leftMs > 0) this.#arm(leftMs)
    else this.#onIdle()
  }
}
