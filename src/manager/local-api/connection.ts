// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net'
import { AgentError, asAgentError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import type { Log } from '../../base/log.ts'
import { LineReader } from './line-reader.ts'
import {
  BadRequest,
  failureAnswer,
  type LocalAnswer,
  type LocalRequest,
  maxLineBytes,
  parseRequest,
  socketVersion,
  successAnswer,
} from './message.ts'

/** Carries out a request. An error that it throws is the answer. */
export type RequestHandler = (
  request: LocalRequest,
  help: { readonly signal: AbortSignal; progress(facts: JsonObject): void },
) => Promise<JsonObject>

/** How many requests of one connection may be under way at once. */
export const maxPendingPerConnection = 64
/** A program that does not read its answers is disconnected when so many bytes wait for it. */
const maxUnreadBytes = 4 * maxLineBytes

/** One program that is connected to the local socket. */
export class LocalConnection {
  readonly #socket: Socket
  readonly #handler: RequestHandler
  readonly #log: Log
  readonly #controller = new AbortController()
  #pending = 0
  #ending = false

  constructor(parts: { socket: Socket; handler: RequestHandler; log: Log; onClose: () => void }) {
    this.#socket = parts.socket
    this.#handler = parts.handler
    this.#log = parts.log
    const reader = new LineReader({ onLine: line => this.#take(line), onTooLong: () => this.#refuseLongLine() })
    this.#socket.on('data', chunk => reader.push(chunk))
    this.#socket.on('error', error => this.#log.debug('local socket connection broke', { error }))
    // On a Unix socket a program that has sent its last request looks like one that was killed. So what takes long (a
    // transfer, a wait) ends here, and what is answered at once still gets its answer.
    this.#socket.on('end', () => {
      this.#leave()
      this.#finish()
    })
    this.#socket.on('close', () => {
      this.#leave()
      parts.onClose()
    })
  }

  /** Takes no more requests and ends when those under way are answered. */
  close(): void {
    this.#finish()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #leave(): void {
    this.#controller.abort(new AgentError('ABORTED', 'The program on the local socket ended the connection.'))
  }

  #finish(): void {
    this.#ending = true
    if (this.#pending === 0) this.#socket.end()
  }

  #take(line: string): void {
    if (this.#ending) return
    let request: LocalRequest
    try {
      request = parseRequest(line)
    } catch (error) {
      const id = error instanceof BadRequest ? error.id : null
      this.#send(failureAnswer(id, new AgentError('INVALID_ARGUMENT', asAgentError(error).message)))
      return
    }
    if (this.#pending >= maxPendingPerConnection) {
      const message = `more than ${maxPendingPerConnection} requests of this connection are under way`
      this.#send(failureAnswer(request.id, new AgentError('LIMIT_EXCEEDED', message)))
      return
    }
    this.#pending++
    this.#answer(request).then(
      () => this.#done(),
      error => {
        this.#log.error('local request not answered', { error })
        this.#done()
      },
    )
  }

  async #answer(request: LocalRequest): Promise<void> {
    const { id } = request
    const progress = (facts: JsonObject) => this.#send({ v: socketVersion, id, progress: facts })
    try {
      this.#send(successAnswer(id, await this.#handler(request, { signal: this.#controller.signal, progress })))
    } catch (error) {
      const failure = asAgentError(error)
      if (failure.code === 'INTERNAL') this.#log.error('local request failed', { do: request.do, error: failure })
      this.#send(failureAnswer(id, failure))
    }
  }

  #done(): void {
    this.#pending--
    if (this.#ending && this.#pending === 0) this.#socket.end()
  }

  #refuseLongLine(): void {
    this.#ending = true
    const message = `a line on the local socket may have ${maxLineBytes} bytes`
    this.#send(failureAnswer(null, new AgentError('LIMIT_EXCEEDED', message)))
    // The rest of the line would be read as requests, so this connection ends.
    this.#socket.end()
    this.#socket.resume()
  }

  #send(answer: LocalAnswer): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return
    this.#socket.write(`${JSON.stringify(answer)}\n`)
    if (this.#socket.writableLength > maxUnreadBytes) this.#socket.destroy()
  }
}
