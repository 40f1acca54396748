// SPDX-License-Identifier: Apache-2.0
/**
 * What was written to flash since the start, by cause.
 *
 * @inline
 */
export interface WriteCount {
  readonly bytes: number
  readonly syncs: number
}

/** Counts writes to flash, so that the owner of a device can see what wears it out. */
export class WriteBudget {
  readonly #causes = new Map<string, { bytes: number; syncs: number }>()

  /** `bytes` were written because of `cause`. */
  wrote(cause: string, bytes: number): void {
    this.#of(cause).bytes += bytes
  }

  /** The disk was forced to write its caches, because of `cause`. */
  synced(cause: string): void {
    this.#of(cause).syncs++
  }

  /** The counts by cause; a cause that wrote nothing is absent. */
  counts(): Readonly<Record<string, WriteCount>> {
    return Object.fromEntries([...this.#causes].map(([cause, count]) => [cause, { ...count }]))
  }

  #of(cause: string): { bytes: number; syncs: number } {
    let count = this.#causes.get(cause)
    if (count === undefined) {
      count = { bytes: 0, syncs: 0 }
      this.#causes.set(cause, count)
    }
    return count
  }
}
