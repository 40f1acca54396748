// SPDX-License-Identifier: Apache-2.0
/** Follows the lengths of MQTT packets in a stream of bytes, and refuses a packet that is too large before it is buffered. */
export class FrameGuard {
  readonly #takesPacket: (bytes: number) => boolean
  /** Bytes of the current packet that have not arrived. */
  #left = 0
  #inHeader = false
  #length = 0
  #shift = 0

  /** @param takesPacket whether a packet of so many bytes is allowed; asked for each packet, because limits change during a session */
  constructor(takesPacket: (bytes: number) => boolean) {
    this.#takesPacket = takesPacket
  }

  /** False when the bytes announce a packet that is too large, or are not MQTT. */
  accepts(bytes: Uint8Array): boolean {
    let at = 0
    while (at < bytes.length) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, bytes.length - at)
        this.#left -= taken
        at += taken
      } else if (!this.#inHeader) {
        this.#inHeader = true
        this.#length = 0
        this.#shift = 0
        at++
      } else if (!this.#readLength(bytes[at++] ?? 0)) return false
    }
    return true
  }

  /** Reads one byte of the remaining length [MQTT 2.2.3]; false when the packet is refused. */
  #readLength(byte: number): boolean {
    this.#length += (byte & 0x7f) * 2 ** this.#shift
    this.#shift += 7
    if ((byte & 0x80) !== 0) return this.#shift < 28
    this.#inHeader = false
    this.#left = this.#length
    return this.#takesPacket(this.#length)
  }
}
