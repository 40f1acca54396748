import type { ClientRequest } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock, Timer } from '../base/clock.ts'
import { AgentError } from '../base/errors.ts'

/** Informational answers before the one that counts [RFC 9110 15.2]: a server sends one or two. */
export const maxInformationalAnswers = 16
/** Bytes of an answer that are no body: heads, chunk lengths, trailers. Node takes heads of 16 KiB; the rest is for what waits to be read. */
export const maxOverheadBytes = 512 * 1024
/** And so many more for each byte of body: a chunk of one byte takes five [RFC 9112 7.1]. */
const overheadPerBodyByte = 8
/** How often the bytes that came are held against the body. */
export const lookMs = 50

/**
 * Ends an answer that never comes to the point: informational answers without end, or chunk extensions around a body of a few
 * bytes. All of it is HTTP, and each byte keeps the processor busy and the other clocks from going on.
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

  /** Counts the informational answers to a request; enough where its connection becomes another's with the answer. */
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
    // By looking now and then: with somebody who listens to the socket, Node hands each piece over twice, at half the speed.
    const look = () => {
      const overhead = socket.bytesRead - before - this.#bodyBytes * (1 + overheadPerBodyByte)
      if (overhead > maxOverheadBytes) return this.#violation(`sends ${overhead} bytes that are no content`)
      // An answer that nobody reads to its end must not keep the process.
      if (!socket.destroyed) this.#timer = clock.timer(lookMs, look, { background: true })
    }
    look()
  }

  /** So many of the bytes that came were body. */
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
