import type { Clock, Timer } from '../../base/clock.ts'

/** Calls back once when nothing was touched for a while. A touch only reads the clock: it comes with every message. */
export class QuietTimer {
  readonly #clock: Clock
  readonly #quietMs: number
  readonly #onQuiet: () => void
  #touchedMs: number
  #timer: Timer | undefined

  constructor(clock: Clock, quietMs: number, onQuiet: () => void) {
    this.#clock = clock
    this.#quietMs = quietMs
    this.#onQuiet = onQuiet
    this.#touchedMs = clock.monotonicMs()
    this.#wait(quietMs)
  }

  touch(): void {
    this.#touchedMs = this.#clock.monotonicMs()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #wait(ms: number): void {
    this.#timer = this.#clock.timer(ms, () => this.#look(), { background: true })
  }

  #look(): void {
    const leftMs = this.#touchedMs + this.#quietMs - this.#clock.monotonicMs()
    if (leftMs > 0) this.#wait(leftMs)
    else this.#onQuiet()
  }
}
