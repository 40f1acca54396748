// SPDX-License-Identifier: Apache-2.0
import { limits } from './limits.ts'

/**
 * Numbers for requests, one after the other, round and round, leaving out those in use.
 * They start anywhere: a reply to a request of an earlier process finds no request of this one.
 */
export class RequestNumbers {
  #next: number

  /** @param random a number in [0, 1) that decides where to start */
  constructor(random: number) {
    this.#next = 1 + Math.floor(random * limits.maxRequestNumber)
  }

  /** The next number that is not in use. */
  take(isUsed: (number: number) => boolean): number {
    // Far fewer are in use than there are: the pending table and the remembered ones are bounded.
    for (;;) {
      const number = this.#next
      this.#next = number >= limits.maxRequestNumber ? 1 : number + 1
      if (!isUsed(number)) return number
    }
  }
}
