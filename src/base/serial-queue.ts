// SPDX-License-Identifier: Apache-2.0
/** Runs pieces of work one after the other, in the order of the calls. A failed one does not stop the next. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve()

  /** Runs `work` when all earlier work has ended; settles as it does. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => {})
    return done
  }
}
