// SPDX-License-Identifier: Apache-2.0
import type { Clock, Timer } from '../../base/clock.ts'
import { relayTimes } from './limits.ts'
import type { LocalEnd, OpenLocalEnd } from './local-end.ts'

/** Gets the events of a pipe. After {@link LocalPipe.leave} and {@link LocalPipe.destroy} only `gone` comes. */
export interface PipeListener {
  opened(): void
  failed(error: unknown): void
  data(bytes: Buffer): void
  /** The local service has closed, after its last byte. */
  closed(): void
  /** The local service took some of the bytes that waited. */
  taken(): void
  /** The pipe has ended. Comes once, as the last event, in every case. */
  gone(): void
}

/** One local connection from dial to end. Bytes that are written before it is open wait for it. */
export class LocalPipe {
  readonly #clock: Clock
  readonly #listener: PipeListener
  readonly #controller = new AbortController()
  #end: LocalEnd | undefined
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #takenBytes = 0
  #paused = false
  #finishing = false
  /** The listener gets `gone` alone from now on. */
  #left = false
  #closed = false
  #gone = false
  #linger: Timer | undefined

  constructor(parts: { readonly clock: Clock; readonly open: OpenLocalEnd; readonly listener: PipeListener }) {
    this.#clock = parts.clock
    this.#listener = parts.listener
    // Not within the constructor: the listener does not know this pipe yet.
    Promise.resolve()
      .then(() => parts.open(this.#controller.signal))
      .then(
        end => this.#opened(end),
        error => this.#failed(error),
      )
  }

  get isOpen(): boolean {
    return this.#end !== undefined
  }

  /** Bytes that the local service has not taken. */
  get queuedBytes(): number {
    return this.#waitingBytes + (this.#end?.writable.writableLength ?? 0)
  }

  /** Bytes that the local service has taken so far. */
  get takenBytes(): number {
    return this.#takenBytes
  }

  write(bytes: Buffer): void {
    if (this.#finishing || this.#gone || bytes.length === 0) return
    if (this.#end !== undefined) {
      this.#put(this.#end, bytes)
      return
    }
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
  }

  /** Stops reading from the local service. */
  pause(): void {
    this.#paused = true
    if (!this.#finishing) this.#end?.readable.pause()
  }

  resume(): void {
    this.#paused = false
    this.#end?.readable.resume()
  }

  /** Delivers the bytes that wait for the local service, then ends the connection; what the service still sends is dropped. */
  finish(): void {
    if (this.#finishing || this.#gone) return
    this.#finishing = true
    if (this.#end !== undefined) this.#finishOpen(this.#end)
  }

  /** As {@link finish}, and the listener gets `gone` alone. */
  leave(): void {
    this.#left = true
    this.finish()
  }

  /** Ends it at once. */
  destroy(): void {
    this.#left = true
    this.#controller.abort()
    this.#end?.destroy()
    this.#goneNow()
  }

  #opened(end: LocalEnd): void {
    if (this.#gone) {
      end.destroy()
      return
    }
    this.#end = end
    const { readable, writable } = end
    readable.on('data', (bytes: Buffer) => {
      if (!this.#finishing) this.#listener.data(bytes)
    })
    readable.once('end', () => this.#closedNow())
    readable.once('close', () => this.#closedNow())
    readable.on('error', () => {})
    writable.on('error', () => {})
    writable.once('close', () => this.#goneIfDone(end))
    readable.once('close', () => this.#goneIfDone(end))
    if (this.#paused) readable.pause()
    if (!this.#left) this.#listener.opened()
    const waiting = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    for (const bytes of waiting) this.#put(end, bytes)
    if (this.#finishing) this.#finishOpen(end)
    this.#goneIfDone(end)
  }

  #failed(error: unknown): void {
    if (!this.#left && !this.#gone) this.#listener.failed(error)
    this.#goneNow()
  }

  #put(end: LocalEnd, bytes: Buffer): void {
    end.writable.write(bytes, error => {
      if (error) return
      this.#takenBytes += bytes.length
      if (this.#linger !== undefined) this.#startLinger(end)
      this.#listener.taken()
    })
  }

  #finishOpen(end: LocalEnd): void {
    // Still read: unread bytes of the service would turn the end of the connection into a reset.
    end.readable.resume()
    end.writable.end()
    this.#startLinger(end)
  }

  #startLinger(end: LocalEnd): void {
    this.#linger?.cancel()
    this.#linger = this.#clock.timer(relayTimes.lingerMs, () => end.destroy())
  }

  #closedNow(): void {
    if (this.#closed) return
    this.#closed = true
    if (!this.#left && !this.#gone) this.#listener.closed()
  }

  #goneIfDone({ readable, writable }: LocalEnd): void {
    if (readable.destroyed && (writable.destroyed || writable.writableFinished)) this.#goneNow()
  }

  #goneNow(): void {
    if (this.#gone) return
    this.#gone = true
    this.#linger?.cancel()
    this.#waiting = []
    this.#waitingBytes = 0
    // A program is more than its streams.
    this.#end?.destroy()
    this.#listener.gone()
  }
}
