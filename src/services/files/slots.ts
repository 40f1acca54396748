// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../base/errors.ts'
import { waitFor } from '../../base/wait.ts'

/** A bounded number of places, given out in the order of asking. */
export class Slots {
  readonly #most: number
  readonly #maxWaiting: number
  readonly #waiting = new Set<() => void>()
  #taken = 0

  constructor(most: number, maxWaiting: number) {
    this.#most = most
    this.#maxWaiting = maxWaiting
  }

  /** Runs `work` when a place is free. Rejects with `LIMIT_EXCEEDED` when too many wait, or with the abort reason while waiting. */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#take(signal)
    try {
      return await work()
    } finally {
      this.#release()
    }
  }

  async #take(signal: AbortSignal): Promise<void> {
    if (this.#taken < this.#most) {
      this.#taken++
      return
    }
    if (this.#waiting.size >= this.#maxWaiting) {
      throw new AgentError(
        'LIMIT_EXCEEDED',
        `${this.#maxWaiting} file transfers are waiting already; try again later.`,
        {
          details: { limit: this.#maxWaiting },
        },
      )
    }
    await waitFor<void>(signal, resolve => {
      // The place is handed over, not freed: no other transfer can slip in between.
      const enter = () => resolve()
      this.#waiting.add(enter)
      return () => void this.#waiting.delete(enter)
    })
  }

  #release(): void {
    const [next] = this.#waiting
    if (next === undefined) this.#taken--
    else next()
  }
}
