// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import { AgentError } from '../../base/errors.ts'

/**
 * Unsolicited packets that the cloud may send: a burst, and a rate per second. Nearly all of them are mailbox notifications, of
 * which one is as good as many.
 */
export const unaskedPackets = { atOnce: 10_000, perSecond: 200 }
/** Each message that the device sends is answered by PUBACK and reply, and a cloud in doubt repeats both. */
const answersPerMessage = 4
/** A larger packet counts as several. */
const bytesPerPacket = 16 * 1024

/**
 * A token bucket against floods: each incoming packet takes from it; messages sent and time refill it. Without it a cloud that
 * sends endless pings, acknowledgements or replies to no request would keep a processor busy for ever.
 */
export class PacketBudget {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  #left = unaskedPackets.atOnce
  #filledMs: number

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
    this.#filledMs = clock.monotonicMs()
  }

  /** The device sent a message. */
  sent(): void {
    this.#add(answersPerMessage)
  }

  /**
   * A packet arrived.
   *
   * @throws AgentError `PROTOCOL_VIOLATION` when it is one of a flood
   */
  received(bytes: number): void {
    this.#left -= 1 + Math.floor(bytes / bytesPerPacket)
    // The clock is read only when it matters.
    if (this.#left >= 0) return
    const nowMs = this.#clock.monotonicMs()
    this.#add(((nowMs - this.#filledMs) / 1000) * unaskedPackets.perSecond)
    this.#filledMs = nowMs
    if (this.#left >= 0) return
    const { atOnce, perSecond } = unaskedPackets
    throw new AgentError(
      'PROTOCOL_VIOLATION',
      `the cloud sends packets that the agent did not ask for: more than ${atOnce}, and ${perSecond} a second`,
    )
  }

  #add(packets: number): void {
    this.#left = Math.min(unaskedPackets.atOnce, this.#left + packets)
  }
}
