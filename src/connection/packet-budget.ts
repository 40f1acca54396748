import type { Clock } from '../base/clock.ts'
import { AgentError } from '../base/errors.ts'

/**
 * Packets that the cloud may send though this device asked for none of them: so many at once, and so many each second.
 * Notifications of mail are nearly all that comes unasked, and one is as good as many.
 */
export const unaskedPackets = { atOnce: 10_000, perSecond: 200 }
/** A message that we send brings its PUBACK and its reply, and a cloud that is in doubt sends both again. */
const answersPerMessage = 4
/** A larger packet counts as several. */
const bytesPerPacket = 16 * 1024

/**
 * Tells a session from a flood: each packet that comes takes from a store which what we send fills up, and time too. Without it
 * a cloud that sends pings, acknowledgements or replies of nobody's requests without end keeps a processor busy for good.
 */
export class PacketBudget {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  #left = unaskedPackets.atOnce
  #filledMs: number

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
    this.#filledMs = clock.monotonicMs()
  }

  /** We sent a message. */
  sent(): void {
    this.#add(answersPerMessage)
  }

  /**
   * A packet comes.
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
      `the cloud sends packets that nobody asked for: more than ${atOnce}, and ${perSecond} a second`,
    )
  }

  #add(packets: number): void {
    this.#left = Math.min(unaskedPackets.atOnce, this.#left + packets)
  }
}
