import { AgentError } from '../base/errors.ts'

/** Largest MQTT packet that is taken from the cloud. Replies and mail are kilobytes; a device of 128 MB must survive the rest. */
export const maxIncomingPacketBytes = 4 * 1024 * 1024

/** Fixed header: one byte of type and flags, up to four of length [MQTT-3.1.1 2.2]. */
const maxHeaderBytes = 5
const publish = 3

type State = 'header' | 'body' | 'oversized start' | 'oversized rest'

/** Told about each message that was too large. */
export type OversizedListener = (topic: string, bytes: number) => void
/** Told about each packet when its length is known; what it throws ends the session. */
export type PacketListener = (bytes: number) => void

/**
 * Watches the framing of incoming MQTT bytes and lets packets through untouched, except a message beyond the limit:
 * it goes on with an empty payload, so that it is acknowledged and answered for, and its bytes are thrown away as they come.
 */
export class PacketFilter {
  readonly #maxBytes: number
  readonly #onOversized: OversizedListener
  readonly #onPacket: PacketListener
  #state: State = 'header'
  /** Bytes of the current packet that are still to come. */
  #left = 0
  /** Bytes of a header, or of the start of an oversized message, that arrived so far. */
  #held: number[] = []
  #firstByte = 0

  constructor(onOversized: OversizedListener, maxBytes = maxIncomingPacketBytes, onPacket: PacketListener = () => {}) {
    this.#onOversized = onOversized
    this.#onPacket = onPacket
    this.#maxBytes = maxBytes
  }

  /**
   * What of `chunk` (and of what was held back before) goes on, in order.
   *
   * @throws AgentError `PROTOCOL_VIOLATION` when this is not MQTT, or an oversized packet is no message; what the listener throws
   */
  take(chunk: Buffer): Buffer[] {
    const out: Buffer[] = []
    let from = 0
    let at = 0
    while (at < chunk.length) {
      if (this.#state === 'body' || this.#state === 'oversized rest') {
        const step = Math.min(this.#left, chunk.length - at)
        at += step
        this.#left -= step
        if (this.#state === 'oversized rest') from = at
        if (this.#left === 0) this.#state = 'header'
        continue
      }
      if (this.#state === 'header' && this.#held.length === 0) {
        if (at > from) out.push(chunk.subarray(from, at))
        from = at
      }
      this.#held.push(chunk[at] ?? 0)
      at++
      const passed = this.#state === 'header' ? this.#readHeader() : this.#readStart()
      if (passed !== undefined) out.push(passed)
      from = at
    }
    if (at > from) out.push(chunk.subarray(from, at))
    return out
  }

  /** The header when it is complete and its packet may pass. */
  #readHeader(): Buffer | undefined {
    const last = this.#held[this.#held.length - 1] ?? 0
    if (this.#held.length < 2) return undefined
    if ((last & 0x80) !== 0) {
      if (this.#held.length < maxHeaderBytes) return undefined
      throw new AgentError(
        'PROTOCOL_VIOLATION',
        'the cloud sent bytes that are not MQTT: a packet length of five bytes',
      )
    }
    const bytes = this.#held.slice(1).reduce((sum, byte, index) => sum + (byte & 0x7f) * 128 ** index, 0)
    this.#onPacket(bytes)
    const header = Buffer.from(this.#held)
    this.#firstByte = this.#held[0] ?? 0
    this.#held = []
    this.#left = bytes
    if (bytes <= this.#maxBytes) {
      this.#state = bytes === 0 ? 'header' : 'body'
      return header
    }
    if (this.#firstByte >> 4 !== publish)
      throw new AgentError(
        'PROTOCOL_VIOLATION',
        `the cloud sent a packet of type ${this.#firstByte >> 4} with ${bytes} bytes`,
      )
    this.#state = 'oversized start'
    return undefined
  }

  /** The oversized message without its payload, when its topic and packet id are here. */
  #readStart(): Buffer | undefined {
    const held = this.#held
    if (held.length < 2) return undefined
    const topicBytes = (held[0] ?? 0) * 256 + (held[1] ?? 0)
    const idBytes = (this.#firstByte & 0x06) === 0 ? 0 : 2
    const startBytes = 2 + topicBytes + idBytes
    if (held.length < startBytes) return undefined
    if (startBytes > this.#left)
      throw new AgentError('PROTOCOL_VIOLATION', 'the cloud sent a message whose topic is longer than the message')
    this.#onOversized(Buffer.from(held.slice(2, 2 + topicBytes)).toString('utf8'), this.#left)
    const start = Buffer.concat([Buffer.from([this.#firstByte, ...lengthBytes(startBytes)]), Buffer.from(held)])
    this.#held = []
    this.#left -= startBytes
    this.#state = this.#left === 0 ? 'header' : 'oversized rest'
    return start
  }
}

function lengthBytes(length: number): number[] {
  const bytes: number[] = []
  for (let left = length; ; left = Math.floor(left / 128)) {
    if (left < 128) return [...bytes, left]
    bytes.push((left % 128) | 0x80)
  }
}
