// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../base/errors.ts'

/** Largest MQTT packet accepted from the cloud. Replies and calls are kilobytes; a device with 128 MB must survive anything larger. */
export const maxIncomingPacketBytes = 4 * 1024 * 1024

/** Fixed header: one byte of type and flags, up to four of length [MQTT 2.2]. */
const maxHeaderBytes = 5
const publish = 3

type State = 'header' | 'body' | 'oversized start' | 'oversized rest'

/** Called for each message that was too large. */
export type OversizedListener = (topic: string, bytes: number) => void
/** Called for each packet when its length is known. An error that it throws ends the session. */
export type PacketListener = (bytes: number) => void
/** Gets the content of a message that was too large, piece by piece as it arrives. The filter keeps no piece. */
export type PieceListener = (topic: string, piece: Uint8Array) => void

/**
 * Follows the framing of incoming MQTT bytes and passes packets on unchanged, except a message above the limit: the filter hands
 * its content out piece by piece and then passes it on with an empty payload, so that it is acknowledged and accounted for.
 */
export class PacketFilter {
  readonly #maxBytes: number
  readonly #onOversized: OversizedListener
  readonly #onPacket: PacketListener
  readonly #onPiece: PieceListener
  #state: State = 'header'
  /** Bytes of the current packet that are still to come. */
  #left = 0
  /** Bytes of a header, or of the start of an oversized message, that arrived so far. */
  #held: number[] = []
  #firstByte = 0
  /** The oversized message under way: what is passed on when its last byte has arrived. */
  #oversized = { topic: '', start: Buffer.alloc(0) }

  constructor(
    onOversized: OversizedListener,
    maxBytes = maxIncomingPacketBytes,
    onPacket: PacketListener = () => {},
    onPiece: PieceListener = () => {},
  ) {
    this.#onOversized = onOversized
    this.#onPacket = onPacket
    this.#onPiece = onPiece
    this.#maxBytes = maxBytes
  }

  /**
   * What is passed on of `chunk`, and of what was held back before, in order.
   *
   * @throws AgentError `PROTOCOL_VIOLATION` when the bytes are not MQTT, or an oversized packet is no message; and what the listener throws
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
        if (this.#state === 'oversized rest') {
          this.#onPiece(this.#oversized.topic, chunk.subarray(from, at))
          from = at
          if (this.#left === 0) out.push(this.#oversized.start)
        }
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

  /** Reads topic and packet id of the oversized message. Returns all that is passed on when it has no content. */
  #readStart(): Buffer | undefined {
    const held = this.#held
    if (held.length < 2) return undefined
    const topicBytes = (held[0] ?? 0) * 256 + (held[1] ?? 0)
    const idBytes = (this.#firstByte & 0x06) === 0 ? 0 : 2
    const startBytes = 2 + topicBytes + idBytes
    if (held.length < startBytes) return undefined
    if (startBytes > this.#left)
      throw new AgentError('PROTOCOL_VIOLATION', 'the cloud sent a message whose topic is longer than the message')
    const topic = Buffer.from(held.slice(2, 2 + topicBytes)).toString('utf8')
    this.#onOversized(topic, this.#left)
    const start = Buffer.concat([Buffer.from([this.#firstByte, ...lengthBytes(startBytes)]), Buffer.from(held)])
    this.#held = []
    this.#left -= startBytes
    this.#state = this.#left === 0 ? 'header' : 'oversized rest'
    if (this.#left === 0) return start
    this.#oversized = { topic, start }
    return undefined
  }
}

function lengthBytes(length: number): number[] {
  const bytes: number[] = []
  for (let left = length; ; left = Math.floor(left / 128)) {
    if (left < 128) return [...bytes, left]
    bytes.push((left % 128) | 0x80)
  }
}
