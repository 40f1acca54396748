// SPDX-License-Identifier: Apache-2.0
import { limits } from './limits.ts'

/**
 * Whether the cloud still answers, proven by round trips only: a socket that is open and a PUBACK prove nothing about
 * what stands behind them. Pure: no timers and no I/O; the owner reports what happens, and does what the answers say.
 */
export class Liveness {
  #silent = 0
  #probing = false
  #heardMs = Number.NEGATIVE_INFINITY

  /** A reply arrived, to whatever request. */
  heard(nowMs: number): void {
    this.#heardMs = nowMs
    this.#silent = 0
  }

  /** The link came up or went down: what was counted belongs to the earlier session. */
  linkChanged(): void {
    this.#silent = 0
    this.#probing = false
  }

  /** A request that was sent at `sentMs` timed out at `nowMs`; returns whether to probe the link now. */
  timedOut(sentMs: number, nowMs: number): boolean {
    if (nowMs - sentMs < limits.silenceMinMs || this.#heardMs > sentMs) return false
    this.#silent++
    if (this.#probing || this.#silent < limits.silentRequests) return false
    this.#probing = true
    return true
  }

  /** The probe ended; returns whether the link must be dropped: only when nothing at all was heard meanwhile. */
  probed(sentMs: number, timedOut: boolean): boolean {
    if (!this.#probing) return false
    this.#probing = false
    this.#silent = 0
    return timedOut && this.#heardMs <= sentMs
  }
}
