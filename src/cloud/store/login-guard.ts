// SPDX-License-Identifier: Apache-2.0
import type { CloudRecord } from './records.ts'

const maxFailures = 8
const windowMs = 30 * 60_000
const lockMs = 30 * 60_000

interface Failures {
  readonly atMs: number[]
  lockedUntilMs: number
}

/** Locks a user for 30 minutes after 8 wrong passwords within 30 minutes, over MQTT and HTTP together [TR50 9]. */
export class LoginGuard {
  readonly #failures = new Map<string, Failures>()
  readonly #nowMs: () => number

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
  }

  /** Milliseconds until the user may log in again; 0: at once. */
  lockedMs(user: CloudRecord): number {
    return Math.max(0, (this.#failures.get(user.id)?.lockedUntilMs ?? 0) - this.#nowMs())
  }

  /** Counts a wrong password; true when it locks the user. */
  failed(user: CloudRecord): boolean {
    const nowMs = this.#nowMs()
    const before = this.#failures.get(user.id)?.atMs ?? []
    const atMs = [...before.filter(ms => ms > nowMs - windowMs), nowMs]
    const isLocked = atMs.length >= maxFailures
    this.#failures.set(user.id, isLocked ? { atMs: [], lockedUntilMs: nowMs + lockMs } : { atMs, lockedUntilMs: 0 })
    return isLocked
  }

  succeeded(user: CloudRecord): void {
    this.#failures.delete(user.id)
  }
}
