// SPDX-License-Identifier: Apache-2.0
import type { Clock, Timer } from '../../src/base/clock.ts'

interface Pending {
  readonly dueMs: number
  readonly order: number
  readonly callback: () => void
}

/** A clock that a test turns by hand: timers fire only in {@link FakeClock.advance}, in order of their due time. */
export class FakeClock implements Clock {
  #wallMs: number
  #elapsedMs = 0
  #order = 0
  readonly #pending = new Set<Pending>()
  /** What {@link random} returns. */
  nextRandom = 0.5

  constructor(wallMs = Date.parse('2024-03-05T10:11:12.000Z')) {
    this.#wallMs = wallMs
  }

  now(): number {
    return this.#wallMs
  }

  monotonicMs(): number {
    return this.#elapsedMs
  }

  random(): number {
    return this.nextRandom
  }

  timer(delayMs: number, callback: () => void): Timer {
    const pending: Pending = { dueMs: this.#elapsedMs + Math.max(0, delayMs), order: this.#order++, callback }
    this.#pending.add(pending)
    return { cancel: () => void this.#pending.delete(pending) }
  }

  /** How many timers wait. */
  get timers(): number {
    return this.#pending.size
  }

  /** Milliseconds until the next timer, or undefined when none waits. */
  get nextInMs(): number | undefined {
    const next = this.#next()
    return next === undefined ? undefined : next.dueMs - this.#elapsedMs
  }

  /** Jumps the wall clock alone, as NTP or an operator does. */
  setWall(epochMs: number): void {
    this.#wallMs = epochMs
  }

  /** Lets `ms` pass and fires what falls due; promises get to run after each timer. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#elapsedMs + ms
    await settle()
    for (let next = this.#next(); next !== undefined && next.dueMs <= untilMs; next = this.#next()) {
      this.#move(next.dueMs)
      this.#pending.delete(next)
      next.callback()
      await settle()
    }
    this.#move(untilMs)
    await settle()
  }

  #move(toMs: number): void {
    this.#wallMs += toMs - this.#elapsedMs
    this.#elapsedMs = toMs
  }

  #next(): Pending | undefined {
    let next: Pending | undefined
    for (const one of this.#pending) {
      if (next === undefined || one.dueMs < next.dueMs || (one.dueMs === next.dueMs && one.order < next.order))
        next = one
    }
    return next
  }
}

/** Lets everything that waits on settled promises run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise<void>(resolve => setImmediate(resolve))
}
