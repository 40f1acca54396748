// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { ConnectionRecord } from '../traffic/connections.ts'
import { FrameGuard } from './frame-guard.ts'

/** Carries MQTT bytes: a TCP or TLS socket, or a WebSocket. */
export interface Carrier {
  write(bytes: Buffer, done: (error?: Error | null) => void): void
  pause(): void
  resume(): void
  end(): void
  destroy(): void
  reset(): void
  /** Sets the functions that are called for received bytes and for the end. */
  attach(on: { data(bytes: Buffer): void; end(): void; close(): void; error(error: Error): void }): void
}

/** The MQTT bytes of one connection as a stream for the broker. It counts them, refuses large packets, and can freeze. */
export class Wire extends Duplex {
  readonly record: ConnectionRecord
  readonly #carrier: Carrier
  readonly #guard: FrameGuard
  #isFrozen = false
  #isFinishing = false

  constructor(carrier: Carrier, record: ConnectionRecord, takesPacket: (bytes: number) => boolean) {
    super({ allowHalfOpen: false })
    this.#carrier = carrier
    this.record = record
    this.#guard = new FrameGuard(takesPacket)
    carrier.attach({
      data: bytes => this.#take(bytes),
      end: () => this.#isFrozen || this.push(null),
      close: () => void this.destroy(),
      error: error => void this.destroy(error),
    })
  }

  get isFrozen(): boolean {
    return this.#isFrozen
  }

  /** Stops reading and writing without closing, as when a link is dead and neither side has noticed. */
  freeze(): void {
    this.#isFrozen = true
    this.#carrier.pause()
  }

  /** Sends what waits and closes. What comes meanwhile is not taken: it would have its effect and no reply. */
  finish(): void {
    this.#isFinishing = true
    this.end(() => this.destroy())
  }

  /** Closes the connection, frozen or not; `withReset` by a TCP reset. */
  cut(withReset: boolean): void {
    if (withReset) this.#carrier.reset()
    else this.#carrier.destroy()
    this.destroy()
  }

  #take(bytes: Buffer): void {
    if (this.#isFrozen || this.#isFinishing || this.destroyed) return
    this.record.bytesIn += bytes.length
    if (!this.#guard.accepts(bytes)) {
      this.destroy(new Error('The client sent an MQTT packet that is too large.'))
      return
    }
    if (!this.push(bytes)) this.#carrier.pause()
  }

  /** Returns all buffered bytes. From Node 26 on a stream returns one chunk, and the broker reads once for each "readable". */
  override read(bytes?: number | null): Buffer | null {
    if (typeof bytes === 'number') return super.read(bytes)
    const chunks: Buffer[] = []
    for (let chunk = super.read(); chunk !== null; chunk = super.read()) chunks.push(chunk)
    return chunks.length === 0 ? null : Buffer.concat(chunks)
  }

  override _read(): void {
    if (!this.#isFrozen) this.#carrier.resume()
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#isFrozen) {
      done()
      return
    }
    this.record.bytesOut += chunk.length
    this.#carrier.write(chunk, done)
  }

  /** Sends the parts of one packet in one segment, or in one WebSocket frame [TR50 1.1]. */
  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'utf8', done)
  }

  override _final(done: () => void): void {
    if (!this.#isFrozen) this.#carrier.end()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#isFrozen) this.#carrier.destroy()
    done(error)
  }
}

/** @param raw the TCP socket below TLS; only that can be reset */
export function socketCarrier(socket: Socket, raw: Socket = socket): Carrier {
  return {
    write: (bytes, done) => void socket.write(bytes, done),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    end: () => void socket.end(),
    destroy: () => void socket.destroy(),
    reset: () => {
      raw.resetAndDestroy()
      socket.destroy()
    },
    attach: on => {
      socket.on('data', on.data)
      socket.on('end', on.end)
      socket.on('close', on.close)
      socket.on('error', on.error)
    },
  }
}

export function webSocketCarrier(socket: WebSocket, raw: Socket): Carrier {
  return {
    write: (bytes, done) => socket.send(bytes, { binary: true }, done),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    end: () => socket.close(),
    destroy: () => socket.terminate(),
    reset: () => {
      raw.resetAndDestroy()
      socket.terminate()
    },
    attach: on => {
      socket.on('message', data => {
        if (Buffer.isBuffer(data)) on.data(data)
      })
      socket.on('close', on.close)
      socket.on('error', on.error)
    },
  }
}
