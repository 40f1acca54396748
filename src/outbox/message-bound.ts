// SPDX-License-Identifier: Apache-2.0
import { limits } from '../protocol/limits.ts'

/** One link that ends may be chance. */
const minEnds = 2
/** So many ends over what had passed before count all the same: the operator of the broker may have lowered its limit. */
const maxDoubts = 4
/** After so long a larger message is tried again: the operator may have raised the limit. */
const forgetAfterMs = 3_600_000
/** No broker has a lower limit; what is smaller ends a link by chance, or as a poison item. */
const minBytes = 4096

/**
 * How large a message of one lane may be. A broker whose limit is lower than ours ends the link over a batch of items that it
 * takes one by one: what ended links twice is not sent so large again for a while. On a poor link messages of all sizes end
 * with it: what is no larger than one that has passed is not to blame.
 */
export class MessageBound {
  #endedBytes = Number.POSITIVE_INFINITY
  #ends = 0
  #endedMs = 0
  #passedBytes = 0
  #doubtedBytes = Number.POSITIVE_INFINITY
  #doubts = 0

  /** The link ended while a message of so many bytes was on the wire. */
  ended(bytes: number, nowMs: number): void {
    if (bytes <= this.#passedBytes) {
      this.#doubtedBytes = Math.min(this.#doubtedBytes, bytes)
      if (++this.#doubts < maxDoubts) return
      this.#passedBytes = 0
      this.#trust()
    }
    this.#endedBytes = Math.min(this.#endedBytes, bytes)
    this.#ends++
    this.#endedMs = nowMs
  }

  /** The cloud has answered a message of so many bytes. */
  passed(bytes: number): void {
    this.#passedBytes = Math.max(this.#passedBytes, bytes)
    if (bytes >= this.#doubtedBytes) this.#trust()
    if (bytes < this.#endedBytes) return
    this.#endedBytes = Number.POSITIVE_INFINITY
    this.#ends = 0
  }

  /** Bytes of items for the next message. */
  maxBytes(nowMs: number): number {
    if (this.#ends < minEnds || nowMs - this.#endedMs > forgetAfterMs) return limits.maxBatchBytes
    return Math.max(minBytes, Math.min(limits.maxBatchBytes, Math.floor(this.#endedBytes / 2)))
  }

  #trust(): void {
    this.#doubtedBytes = Number.POSITIVE_INFINITY
    this.#doubts = 0
  }
}
