// SPDX-License-Identifier: Apache-2.0
import type { Clock, Timer } from '../../src/base/clock.ts'

/** A clock on which every wait is over at once: it notes what was waited for and moves on by that much. For tests of retries. */
export class HurriedClock implements Clock {
  /** The lengths of all waits, in order. */
  readonly waitsMs: number[] = []
  #elapsedMs = 0

  now(): number {
    return Date.parse('2024-03-05T10:11:12.000Z') + this.#elapsedMs
  }

  monotonicMs(): number {
    return this.#elapsedMs
  }

  random(): number {
    return 0.5
  }

  timer(delayMs: number, callback: () => void): Timer {
    this.waitsMs.push(delayMs)
    const handle = setImmediate(() => {
      this.#elapsedMs += delayMs
      callback()
    })
    return { cancel: () => clearImmediate(handle) }
  }
}
