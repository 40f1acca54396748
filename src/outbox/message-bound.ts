import { limits } from '../protocol/limits.ts'

/** One link that ends may be chance. */
const leastEnds = 2
/** After so long a larger message is tried again: somebody may have raised the limit of the broker. */
const forgetAfterMs = 3_600_000

/**
 * How large a message of one lane may be. A broker whose limit is lower than ours ends the link over a batch of items that it
 * takes one by one: what ended links twice, with nothing as large passing in between, is not sent so large again for a while.
 */
export class MessageBound {
  #endedBytes = Number.POSITIVE_INFINITY
  #ends = 0
  #endedMs = 0

  /** The link ended while a message of so many bytes was on the wire. */
  ended(bytes: number, nowMs: number): void {
    this.#endedBytes = Math.min(this.#endedBytes, bytes)
    this.#ends++
    this.#endedMs = nowMs
  }

  /** The cloud has answered a message of so many bytes. */
  passed(bytes: number): void {
    if (bytes < this.#endedBytes) return
    this.#endedBytes = Number.POSITIVE_INFINITY
    this.#ends = 0
  }

  /** Bytes of items for the next message. */
  mostBytes(nowMs: number): number {
    if (this.#ends < leastEnds || nowMs - this.#endedMs > forgetAfterMs) return limits.maxBatchBytes
    return Math.max(1, Math.min(limits.maxBatchBytes, Math.floor(this.#endedBytes / 2)))
  }
}
