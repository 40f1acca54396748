// SPDX-License-Identifier: Apache-2.0
import type { WebSocket } from 'ws'
import type { Clock, Timer } from '../../base/clock.ts'
import { relayLimits, relayTimes } from './limits.ts'

/** Gets the events of the WebSocket of a session. */
export interface LineListener {
  message(bytes: Buffer, isBinary: boolean): void
  /** Most of the unsent bytes are sent: local services may be read again. */
  drained(): void
  /** The relay answers no ping any more. */
  silent(): void
  closed(code: number, error: Error | undefined): void
}

/** The WebSocket of a session: counts unsent bytes, pauses its reading, and pings [TR50 6.5 rule 9] [TR50 6.5 rule 10]. */
export class RelayLine {
  readonly #webSocket: WebSocket
  readonly #clock: Clock
  readonly #listener: LineListener
  #error: Error | undefined
  #unsentBytes = 0
  #sentSinceHeard = 0
  #heardMs: number
  #paused = true
  #isFull = false
  #ping: Timer | undefined
  #onSent: (() => void) | undefined

  /** @param parts.webSocket open and paused */
  constructor(parts: { readonly webSocket: WebSocket; readonly clock: Clock; readonly listener: LineListener }) {
    this.#webSocket = parts.webSocket
    this.#clock = parts.clock
    this.#listener = parts.listener
    this.#heardMs = parts.clock.monotonicMs()
  }

  start(): void {
    const webSocket = this.#webSocket
    webSocket.on('message', (data, isBinary) => {
      this.#heard()
      if (Buffer.isBuffer(data)) this.#listener.message(data, isBinary)
    })
    webSocket.on('ping', () => this.#heard())
    webSocket.on('pong', () => this.#heard())
    webSocket.on('error', error => {
      this.#error ??= error
    })
    webSocket.once('close', code => {
      this.#ping?.cancel()
      this.#listener.closed(code, this.#error)
    })
    this.#ping = this.#clock.timer(relayTimes.pingMs, () => this.#beat(), { background: true })
    this.resume()
  }

  /** Whether so much is unsent that local services must wait. */
  get isFull(): boolean {
    return this.#isFull
  }

  get isPaused(): boolean {
    return this.#paused
  }

  /** Sends messages in order; `bytes` are those of the local service in them. */
  send(messages: readonly Buffer[], bytes: number): void {
    const last = messages.length - 1
    this.#unsentBytes += bytes
    this.#sentSinceHeard += bytes
    this.#isFull ||= this.#unsentBytes > relayLimits.unsentBytes
    messages.forEach((message, at) => {
      this.#webSocket.send(message, at === last ? () => this.#sent(bytes) : undefined)
    })
  }

  sendText(text: string): void {
    this.#webSocket.send(text, () => {})
  }

  pause(): void {
    this.#paused = true
    this.#webSocket.pause()
  }

  resume(): void {
    this.#paused = false
    // Silence counts from now on: while reading was paused, no pong could be seen.
    this.#heardMs = this.#clock.monotonicMs()
    this.#webSocket.resume()
  }

  /** Closes when everything is sent, and drops the connection after {@link relayTimes.closeMs} in any case. */
  close(code: number, reason: string): void {
    const close = () => {
      this.resume()
      this.#webSocket.close(code, reason)
    }
    if (this.#unsentBytes === 0) {
      close()
      return
    }
    const timer = this.#clock.timer(relayTimes.closeMs, () => this.terminate())
    this.#onSent = () => {
      timer.cancel()
      close()
    }
    this.#webSocket.once('close', () => timer.cancel())
  }

  /** Drops the connection. */
  terminate(): void {
    this.#webSocket.terminate()
  }

  #sent(bytes: number): void {
    this.#unsentBytes -= bytes
    if (this.#unsentBytes === 0) this.#onSent?.()
    if (!this.#isFull || this.#unsentBytes > relayLimits.unsentLowBytes) return
    this.#isFull = false
    this.#listener.drained()
  }

  #heard(): void {
    this.#heardMs = this.#clock.monotonicMs()
    this.#sentSinceHeard = 0
  }

  #beat(): void {
    this.#ping = this.#clock.timer(relayTimes.pingMs, () => this.#beat(), { background: true })
    const silentMs = this.#clock.monotonicMs() - this.#heardMs
    // A relay whose client has paused may not read either, and the pings wait behind much data: that is no silence.
    const mayBeBehindData = this.#paused || this.#sentSinceHeard > relayLimits.unsentLowBytes
    if (silentMs >= relayTimes.silenceMs && !mayBeBehindData) {
      this.#listener.silent()
      return
    }
    if (silentMs >= relayTimes.pingMs / 2 && this.#unsentBytes === 0 && this.#webSocket.readyState === 1)
      this.#webSocket.ping()
  }
}
