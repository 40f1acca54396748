import type { Clock, Timer } from '../base/clock.ts'

/**
 * `keep_alive`: tells when there was no link for so many seconds in a row, counted from the start too, as the Python agent
 * did; 0 waits for ever.
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

  /** The link is down, from now on. Being told again changes nothing. */
  down(): void {
    if (this.#longestMs === 0 || this.#timer !== undefined) return
    this.#timer = this.#clock.timer(this.#longestMs, this.#onExpired)
  }

  /** The link is up, or nobody waits for it any more. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
