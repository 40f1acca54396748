// SPDX-License-Identifier: Apache-2.0
import type { ClientRequest } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock, Timer } from '../../base/clock.ts'
import { AgentError } from '../../base/errors.ts'

/** Informational answers before the one that counts [RFC 9110 15.2]: a server sends one or two. */
export const maxInformationalAnswers = 16
/** Bytes of a response besides its body: heads, chunk lengths, trailers. Node accepts heads of 16 KiB; the rest covers bytes that are not read yet. */
export const maxOverheadBytes = 512 * 1024
/** Further bytes allowed for each byte of body: a chunk of one byte takes five more [RFC 9112 7.1]. */
const overheadPerBodyByte = 8
/** How often the bytes received are compared with the body. */
export const lookMs = 50

/**
 * Ends a response that is all overhead: endless informational responses, or chunk extensions around a body of a few bytes.
 * All of it is valid HTTP, costs processor time, and keeps the idle timers from firing.
 */
export class AnswerGuard {
  readonly #place: string
  readonly #fail: (error: AgentError) => void
  #informational = 0
  #bodyBytes = 0
  #timer: Timer | undefined

  constructor(place: string, fail: (error: AgentError) => void) {
    this.#place = place
    this.#fail = fail
  }

  /** Counts the informational responses to a request. That is enough where the connection changes hands with the final response. */
  countInformational(request: ClientRequest): void {
    request.on('information', () => {
      if (++this.#informational > maxInformationalAnswers)
        this.#violation(`sends more than ${maxInformationalAnswers} informational answers (1xx)`)
    })
  }

  /** Counts everything that comes on the connection of a request, until {@link stop}. */
  countAll(request: ClientRequest, socket: Socket, clock: Clock): void {
    this.countInformational(request)
    const before = socket.bytesRead
    // Polled: a listener on the socket would make Node hand each piece over twice, at half the speed.
    const look = () => {
      const overhead = socket.bytesRead - before - this.#bodyBytes * (1 + overheadPerBodyByte)
      if (overhead > maxOverheadBytes) return this.#violation(`sends ${overhead} bytes that are no content`)
      // A response that its caller does not read to the end must not keep the process alive.
      if (!socket.destroyed) this.#timer = clock.timer(lookMs, look, { background: true })
    }
    look()
  }

  /** Counts bytes of body among those received. */
  body(bytes: number): void {
    this.#bodyBytes += bytes
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #violation(what: string): void {
    this.stop()
    this.#fail(new AgentError('PROTOCOL_VIOLATION', `${this.#place}: the server ${what}`))
  }
}
