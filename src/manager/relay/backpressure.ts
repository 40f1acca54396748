// SPDX-License-Identifier: Apache-2.0
import type { Clock, Timer } from '../../base/clock.ts'
import { relayLimits, relayTimes } from './limits.ts'
import type { LocalPipe } from './local-pipe.ts'

/** The line to the relay, as far as its reading can be paused. */
interface Line {
  readonly isPaused: boolean
  pause(): void
  resume(): void
}

/**
 * Pauses reading from the relay while a local service does not take its bytes [TR50 6.5 rule 9]. A service that takes nothing
 * at all, or is not connected yet, must not stall the other channels for ever [TR50 6.5 rule 3].
 */
export class Backpressure {
  readonly #line: Line
  readonly #pipes: ReadonlySet<LocalPipe>
  readonly #clock: Clock
  readonly #drop: (pipe: LocalPipe) => void
  #stall: Timer | undefined
  #stopped = false

  constructor(parts: {
    readonly line: Line
    readonly pipes: ReadonlySet<LocalPipe>
    readonly clock: Clock
    /** Ends the channel of a pipe, if it still has one. */
    readonly drop: (pipe: LocalPipe) => void
  }) {
    this.#line = parts.line
    this.#pipes = parts.pipes
    this.#clock = parts.clock
    this.#drop = parts.drop
  }

  /** Bytes were written to a pipe. */
  written(): void {
    if (this.#stopped || this.#line.isPaused || !this.#isAnyFull()) return
    this.#line.pause()
    this.#watch()
  }

  /** A service took bytes from its pipe, or the pipe is gone. */
  taken(): void {
    if (this.#stopped || !this.#line.isPaused || this.#isAnyFull()) return
    this.#stall?.cancel()
    this.#line.resume()
  }

  /** The line is closed. */
  stop(): void {
    this.#stopped = true
    this.#stall?.cancel()
  }

  #isAnyFull(): boolean {
    for (const pipe of this.#pipes) if (isFull(pipe)) return true
    return false
  }

  #watch(): void {
    const before = new Map([...this.#pipes].filter(isFull).map(pipe => [pipe, pipe.takenBytes]))
    const isDialing = [...before.keys()].some(pipe => !pipe.isOpen)
    this.#stall = this.#clock.timer(isDialing ? relayTimes.dialHoldMs : relayTimes.stallMs, () => {
      for (const [pipe, takenBytes] of before) {
        const isOnly = this.#pipes.size === 1
        if (!isOnly && pipe.takenBytes === takenBytes && !(isDialing && pipe.isOpen)) this.#drop(pipe)
      }
      this.taken()
      if (!this.#stopped && this.#line.isPaused) this.#watch()
    })
  }
}

function isFull(pipe: LocalPipe): boolean {
  return pipe.queuedBytes > relayLimits.localQueueBytes
}
