import type { Clock, Timer } from '../base/clock.ts'

/** Calls back when nothing has happened for a while: {@link IdleTimer.touch} begins the wait anew, {@link IdleTimer.stop} ends it. */
export class IdleTimer {
  readonly #clock: Clock
  readonly #idleMs: number
  readonly #onIdle: () => void
  #timer: Timer | undefined

  constructor(clock: Clock, idleMs: number, onIdle: () => void) {
    this.#clock = clock
    this.#idleMs = idleMs
    this.#onIdle = onIdle
  }

  touch(): void {
    this.#timer?.cancel()
    this.#timer = this.#clock.timer(this.#idleMs, this.#onIdle)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
