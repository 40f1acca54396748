// SPDX-License-Identifier: Apache-2.0
import { Duplex } from 'node:stream'
import { AgentError } from '../../base/errors.ts'
import { type OversizedListener, PacketFilter, type PacketListener, type PieceListener } from './packet-filter.ts'

/** Largest write that is joined from the parts of packets; above it the copy costs more than it saves. */
const joinUpToBytes = 64 * 1024

/**
 * Sits between the MQTT client and its transport. It bounds incoming packets, and sends each outgoing one in one write: the client
 * hands them over in parts, and with TCP_NODELAY every part would become a segment, or a WebSocket message.
 */
export class MqttStream extends Duplex {
  readonly #inner: Duplex
  readonly #filter: PacketFilter
  #received = 0

  constructor(
    inner: Duplex,
    o: {
      readonly onOversized: OversizedListener
      readonly onPacket: PacketListener
      readonly onPiece: PieceListener
      readonly maxIncomingBytes?: number | undefined
    },
  ) {
    super({ decodeStrings: true })
    this.#inner = inner
    this.#filter = new PacketFilter(o.onOversized, o.maxIncomingBytes, o.onPacket, o.onPiece)
    inner.on('data', (chunk: Buffer) => this.#receive(chunk))
    inner.on('error', (error: Error) => this.destroy(error))
    inner.on('end', () => this.push(null))
    // MQTT has no half-closed sessions: when everything received has been read, the session is over.
    this.once('end', () => this.destroy())
    inner.on('close', () => setImmediate(() => this.destroy()))
    if (inner.destroyed) this.destroy()
  }

  /** How often something arrived. It grows while the other side is there, even if it only answers pings. */
  get received(): number {
    return this.#received
  }

  #receive(chunk: Buffer): void {
    this.#received++
    try {
      for (const part of this.#filter.take(chunk)) if (!this.push(part)) this.#inner.pause()
    } catch (error) {
      this.destroy(error instanceof Error ? error : new AgentError('INTERNAL', String(error)))
    }
  }

  override _read(): void {
    this.#inner.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#inner.write(chunk, done)
  }

  override _writev(chunks: { chunk: Buffer; encoding: BufferEncoding }[], done: (error?: Error | null) => void): void {
    const parts = chunks.map(({ chunk }) => chunk)
    const bytes = parts.reduce((sum, part) => sum + part.length, 0)
    if (bytes <= joinUpToBytes) {
      this.#inner.write(Buffer.concat(parts, bytes), done)
      return
    }
    this.#inner.cork()
    for (const [index, part] of parts.entries()) this.#inner.write(part, index === parts.length - 1 ? done : undefined)
    this.#inner.uncork()
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#inner.end(() => done())
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#inner.destroy()
    done(error)
  }
}
