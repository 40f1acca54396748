/** Follows the lengths of MQTT packets in a stream of bytes and refuses one that is too large, before it is collected. */
export class FrameGuard {
  readonly #takes: (bytes: number) => boolean
  /** Bytes of the present packet that are still to come. */
  #left = 0
  #inHeader = false
  #length = 0
  #shift = 0

  /** @param takes whether a packet of that length is taken; asked for each, because limits change while a session goes on */
  constructor(takes: (bytes: number) => boolean) {
    this.#takes = takes
  }

  /** False when the bytes announce a packet above the limit, or none at all. */
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

  /** One byte of the remaining length [MQTT 2.2.3]. */
  #readLength(byte: number): boolean {
    this.#length += (byte & 0x7f) * 2 ** this.#shift
    this.#shift += 7
    if ((byte & 0x80) !== 0) return this.#shift < 28
    this.#inHeader = false
    this.#left = this.#length
    return this.#takes(this.#length)
  }
}
