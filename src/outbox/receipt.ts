// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../base/clock.ts'
import { AgentError } from '../base/errors.ts'
import { waitFor } from '../base/wait.ts'
import { optionsCheck } from '../config/known-options.ts'
import { checkWait } from '../protocol/call-fields.ts'

/** How long a receipt's `delivered()` waits. */
export interface DeliveryOptions {
  /** Milliseconds; default: as long as it takes. */
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

const checkNames = optionsCheck<DeliveryOptions>('receipt.delivered', { timeoutMs: true, signal: true })

/** Throws `INVALID_ARGUMENT` for options that are none. */
export function checkDelivery(options: DeliveryOptions): void {
  checkNames(options)
  checkWait(options)
}

/** What became of an item. */
export type DeliveryOutcome = 'delivered' | AgentError

/**
 * What became of one item. It is light: until a caller asks it is three fields, and a bad outcome for which no caller asked is
 * no unhandled rejection.
 */
export class DeliveryReceipt {
  readonly accepted = true
  readonly #clock: Clock
  #outcome: DeliveryOutcome | undefined
  #waiters: Set<(outcome: DeliveryOutcome) => void> | undefined
  #ask: (() => DeliveryOutcome | undefined) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Resolves when the cloud has answered success.
   *
   * @throws AgentError `REFUSED_BY_CLOUD` (details: `errorCodes`, `errorMessages`), `OUTBOX_FULL`, `LIMIT_EXCEEDED`, `CLOSED`,
   * `INVALID_ARGUMENT`; `TIMEOUT` and `ABORTED` end only this wait: the item stays in the outbox
   */
  delivered(options: DeliveryOptions = {}): Promise<void> {
    try {
      checkDelivery(options)
    } catch (error) {
      return Promise.reject(error)
    }
    const { timeoutMs, signal } = options
    return waitFor<void>(signal, (resolve, reject) => {
      const outcome = this.#ask?.()
      this.#ask = undefined
      if (outcome !== undefined) this.settle(outcome)
      const settle = (outcome: DeliveryOutcome) => (outcome === 'delivered' ? resolve() : reject(outcome))
      if (this.#outcome !== undefined) {
        settle(this.#outcome)
        return undefined
      }
      const waiters = this.#waiters ?? new Set()
      this.#waiters = waiters
      waiters.add(settle)
      const timer =
        timeoutMs === undefined
          ? undefined
          : this.#clock.timer(timeoutMs, () =>
              reject(new AgentError('TIMEOUT', `Not delivered within ${timeoutMs} ms; it stays in the outbox.`)),
            )
      return () => {
        waiters.delete(settle)
        timer?.cancel()
      }
    })
  }

  /** Whether a caller waits for the outcome. */
  get isWatched(): boolean {
    return this.#waiters !== undefined && this.#waiters.size > 0
  }

  /**
   * The store lets go of a receipt for which no caller waits, because its item left the memory. When a caller asks later, `ask`
   * answers the outcome, or undefined when it will settle this receipt after all.
   */
  detach(ask: () => DeliveryOutcome | undefined): void {
    this.#ask = ask
  }

  /** Says what became of the item; the first outcome wins. */
  settle(outcome: DeliveryOutcome): void {
    if (this.#outcome !== undefined) return
    this.#outcome = outcome
    const waiters = this.#waiters
    this.#waiters = undefined
    if (waiters !== undefined) for (const waiter of [...waiters]) waiter(outcome)
  }
}
