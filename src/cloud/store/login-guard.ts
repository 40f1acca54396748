import type { CloudRecord } from './records.ts'

const most = { failures: 8, windowMs: 30 * 60_000, lockedMs: 30 * 60_000 }

interface Failures {
  readonly atMs: number[]
  lockedUntilMs: number
}

/** Locks a user after 8 wrong passwords within 30 minutes, for 30 minutes, whichever way they came [TR50 9]. */
export class LoginGuard {
  readonly #failures = new Map<string, Failures>()
  readonly #nowMs: () => number

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
  }

  /** Milliseconds until the user may try again; 0: now. */
  lockedMs(user: CloudRecord): number {
    return Math.max(0, (this.#failures.get(user.id)?.lockedUntilMs ?? 0) - this.#nowMs())
  }

  /** Notes a wrong password; true when that locks the user. */
  failed(user: CloudRecord): boolean {
    const nowMs = this.#nowMs()
    const before = this.#failures.get(user.id)?.atMs ?? []
    const atMs = [...before.filter(ms => ms > nowMs - most.windowMs), nowMs]
    const isLocked = atMs.length >= most.failures
    this.#failures.set(
      user.id,
      isLocked ? { atMs: [], lockedUntilMs: nowMs + most.lockedMs } : { atMs, lockedUntilMs: 0 },
    )
    return isLocked
  }

  succeeded(user: CloudRecord): void {
    this.#failures.delete(user.id)
  }
}
