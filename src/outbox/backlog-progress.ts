// SPDX-License-Identifier: Apache-2.0
import type { DrainProgress } from './stats.ts'

/** How far what waited when the link came up has been worked off. */
export class BacklogProgress {
  readonly #sinceEpochMs: number
  readonly #items: number
  readonly #settledBefore: number

  /** @param settledBefore items settled so far, over all lanes */
  constructor(sinceEpochMs: number, items: number, settledBefore: number) {
    this.#sinceEpochMs = sinceEpochMs
    this.#items = items
    this.#settledBefore = settledBefore
  }

  progress(settled: number): DrainProgress {
    const done = Math.min(this.#items, settled - this.#settledBefore)
    return { sinceEpochMs: this.#sinceEpochMs, backlog: this.#items, done }
  }
}
