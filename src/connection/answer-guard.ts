import type { ClientRequest } from 'node:http'
import { AgentError } from '../base/errors.ts'

/** Informational answers before the one that counts [RFC 9110 15.2]: a server sends one or two. */
export const maxInformationalAnswers = 16
/** Bytes of an answer that are no body: heads, chunk lengths, trailers. Node takes heads of 16 KiB; the rest is for what waits to be read. */
export const maxOverheadBytes = 512 * 1024
/** And so many more for each byte of body: a chunk of one byte takes five [RFC 9112 7.1]. */
const overheadPerBodyByte = 8

/**
 * Ends an answer that never comes to the point: informational answers without end, or chunk extensions around a body of a few
 * bytes. All of it is HTTP, and each byte keeps the processor busy and the other clocks from going on.
 */
export class AnswerGuard {
  readonly #place: string
  readonly #fail: (error: AgentError) => void
  #informational = 0
  #overhead = 0

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

  /** Counts everything that comes on the connection of a request. */
  countAll(request: ClientRequest): void {
    this.countInformational(request)
    // Not before: a socket gives its bytes to whoever listens first, and the parser must have them all.
    request.once('socket', socket =>
      socket.on('data', (raw: Buffer) => {
        this.#overhead += raw.length
        if (this.#overhead > maxOverheadBytes) this.#violation(`sends ${this.#overhead} bytes that are no content`)
      }),
    )
  }

  /** So many of the bytes that came were body. */
  body(bytes: number): void {
    this.#overhead -= bytes * (1 + overheadPerBodyByte)
  }

  #violation(what: string): void {
    this.#fail(new AgentError('PROTOCOL_VIOLATION', `${this.#place}: the server ${what}`))
  }
}
