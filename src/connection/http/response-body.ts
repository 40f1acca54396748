// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { releaseMemory } from '../../base/release-memory.ts'

/** Above this the socket is paused; at most one more piece arrives. */
const maxWaitingBytes = 64 * 1024

export interface ResponseBodyEvents {
  /** The reader waits for the server. */
  onWait(): void
  /** The reader got a piece. */
  onPiece(): void
  /** Bytes of the body arrived. */
  onBytes(bytes: number): void
  /** Makes the error that the reader gets. */
  explain(error: unknown): Error
  /** The body is over, or its reader has stopped. */
  onEnd(): void
}

/**
 * The body of a response, piece by piece, once. A piece is valid until the next one is requested: then its memory is released.
 * Releasing it, and bypassing the iterator of Node's streams, halves the work of a large download and keeps its memory constant;
 * otherwise each byte occupies two to three buffers that wait for the garbage collector.
 */
export class ResponseBody implements AsyncIterator<Uint8Array, undefined> {
  readonly #response: IncomingMessage
  readonly #events: ResponseBodyEvents
  readonly #waiting: Buffer[] = []
  #waitingBytes = 0
  #handedOut: Buffer | undefined
  #state: 'open' | 'ended' | 'broken' = 'open'
  #error: unknown
  #wake: (() => void) | undefined
  #flow: 'not yet' | 'paused' | 'on' = 'not yet'

  constructor(response: IncomingMessage, socket: Socket, events: ResponseBodyEvents) {
    this.#response = response
    this.#events = events
    // After the parser, which has copied what it needs.
    socket.on('data', (raw: Buffer) => releaseMemory(raw))
    response.once('end', () => this.#settle('ended'))
    response.on('error', error => this.#settle('broken', error))
    response.once('close', () => this.#settle('broken', new Error('the server closed the connection')))
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#release()
    for (;;) {
      const piece = this.#waiting.shift()
      if (piece !== undefined) {
        this.#waitingBytes -= piece.length
        this.#handedOut = piece
        return { done: false, value: piece }
      }
      if (this.#state !== 'open') return this.#over()
      this.#events.onWait()
      await new Promise<void>(resolve => {
        this.#wake = resolve
        this.#letFlow()
      })
      this.#events.onPiece()
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#release()
    this.#events.onEnd()
    return { done: true, value: undefined }
  }

  #over(): IteratorResult<Uint8Array, undefined> {
    const error = this.#state === 'broken' ? this.#events.explain(this.#error) : undefined
    this.#events.onEnd()
    if (error !== undefined) throw error
    return { done: true, value: undefined }
  }

  #letFlow(): void {
    const before = this.#flow
    this.#flow = 'on'
    if (before === 'not yet') this.#response.on('data', (piece: Buffer) => this.#take(piece))
    else if (before === 'paused') this.#response.resume()
  }

  #take(piece: Buffer): void {
    this.#waiting.push(piece)
    this.#waitingBytes += piece.length
    this.#events.onBytes(piece.length)
    if (this.#waitingBytes >= maxWaitingBytes && this.#flow === 'on') {
      this.#flow = 'paused'
      this.#response.pause()
    }
    this.#wakeUp()
  }

  #settle(state: 'ended' | 'broken', error?: unknown): void {
    if (this.#state !== 'open') return
    if (state === 'broken') this.#takeBuffered()
    this.#state = state
    this.#error = error
    this.#wakeUp()
  }

  /** A response that breaks while it is paused still holds bytes that were transferred and need not be fetched again. */
  #takeBuffered(): void {
    for (let piece = this.#response.read(); piece !== null; piece = this.#response.read()) this.#take(piece)
  }

  #wakeUp(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  #release(): void {
    if (this.#handedOut !== undefined) releaseMemory(this.#handedOut)
    this.#handedOut = undefined
  }
}
