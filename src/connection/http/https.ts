// SPDX-License-Identifier: Apache-2.0
import { type ClientRequest, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '../../base/clock.ts'
import { AgentError, errnoOf, messageOf } from '../../base/errors.ts'
import { IdleTimer } from '../../base/idle-timer.ts'
import type { Log } from '../../base/log.ts'
import { abortReason, throwIfAborted, waitFor } from '../../base/wait.ts'
import type { SocketOpener } from '../socket/socket-opener.ts'
import { bracketed, hostAndPort, wireHost } from '../tcp/endpoint.ts'
import { reasonOf } from '../tcp/failure.ts'
import { type NamedBy, namedByCloud, otherService, reachRemedy } from '../tcp/named-by.ts'
import { discard } from '../tcp/open-tcp.ts'
import { alertEnd } from '../tls/tls-end.ts'
import { AnswerGuard } from './answer-guard.ts'
import { ResponseBody } from './response-body.ts'

export interface HttpsRequest {
  readonly method: 'GET' | 'POST'
  readonly host: string
  readonly port: number
  /** Path and query, beginning with `/`. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** With `bytes` the request declares its length and must match it; without, the body is sent in chunks. */
  readonly body?: { readonly stream: AsyncIterable<Uint8Array>; readonly bytes?: number | undefined } | undefined
  /** For name, proxy, TCP and TLS together. */
  readonly connectTimeoutMs: number
  /** Longest time without progress in either direction. */
  readonly idleTimeoutMs: number
  /** As for `SocketOpener.open`. */
  readonly namedBy?: NamedBy | undefined
  readonly signal?: AbortSignal | undefined
}

export interface HttpsResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /**
   * The caller reads it to its end or destroys it, because it holds the connection. A piece is valid until the next one is requested.
   * Rejects `LINK_LOST`, `TIMEOUT`, `ABORTED`, `PROTOCOL_VIOLATION`.
   */
  readonly body: AsyncIterable<Uint8Array> & { destroy(): void }
}

/** HTTPS over the one socket opener. Each request has a connection of its own, because transfers are rare and long. */
export class HttpsClient {
  readonly #opener: SocketOpener
  readonly #clock: Clock
  readonly #log: Log

  constructor(options: { opener: SocketOpener; clock: Clock; log: Log }) {
    this.#opener = options.opener
    this.#clock = options.clock
    this.#log = options.log
  }

  /**
   * Sends a request and resolves with the head of the response, whatever its status. An error response that comes before the
   * body has been sent stops the sending.
   *
   * @throws AgentError all of `SocketOpener.open`, `LINK_LOST`, `TIMEOUT`, `PROTOCOL_VIOLATION`, `INVALID_ARGUMENT`, `ABORTED`,
   *   and what the body's stream throws
   */
  async request(options: HttpsRequest): Promise<HttpsResponse> {
    const { host, port, path, connectTimeoutMs, signal, namedBy } = options
    if (!/^\/[\x21-\x7e]*$/.test(path))
      throw new AgentError('INVALID_ARGUMENT', `The path of a URL cannot be "${path}".`)
    const times = { timeoutMs: connectTimeoutMs, signal, namedBy }
    const socket = await this.#opener.open({ host, port, tls: true }, times)
    const exchange = new Exchange(socket, options, this.#clock)
    try {
      throwIfAborted(signal)
      if (socket.destroyed) throw closedEarly(hostAndPort(options), socket, namedBy)
      const response = await exchange.run()
      this.#log.debug('answer', { method: options.method, host, port, status: response.status })
      return response
    } catch (error) {
      exchange.finish()
      throw error
    }
  }
}

/** One request and its answer over one socket. */
class Exchange {
  readonly #socket: Socket
  readonly #options: HttpsRequest
  readonly #place: string
  readonly #clock: Clock
  readonly #sendIdle: IdleTimer
  readonly #readIdle: IdleTimer
  readonly #guard: AnswerGuard
  readonly #onAbort = () => this.#fail(this.#abortedWith())
  #failure: Error | undefined
  #stopSending = false
  #sent = false
  #answered = false

  constructor(socket: Socket, options: HttpsRequest, clock: Clock) {
    this.#socket = socket
    this.#options = options
    this.#place = hostAndPort(options)
    this.#clock = clock
    const { idleTimeoutMs } = options
    const onIdle = () => this.#fail(new AgentError('TIMEOUT', `${this.#place}: nothing moved for ${idleTimeoutMs} ms`))
    this.#sendIdle = new IdleTimer(clock, idleTimeoutMs, onIdle)
    this.#readIdle = new IdleTimer(clock, idleTimeoutMs, onIdle)
    this.#guard = new AnswerGuard(this.#place, error => this.#fail(error))
    options.signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  async run(): Promise<HttpsResponse> {
    const { method, host, port, path, headers = {}, body } = this.#options
    const request = httpRequest({
      method,
      path,
      // The socket is open already. Without an HTTP agent this request cannot use another one.
      createConnection: () => this.#socket,
      setHost: false,
      headers: {
        Host: port === 443 ? bracketed(wireHost(host)) : hostAndPort({ host: wireHost(host), port }),
        ...headers,
        ...lengthOf(body),
      },
    })
    this.#guard.countAll(request, this.#socket, this.#clock)
    this.#sendIdle.touch()
    const answered = waitFor<IncomingMessage>(undefined, (resolve, reject) => {
      request.once('response', resolve)
      // Never removed: a late error, of a body that is no longer wanted, must not end the process.
      request.on('error', error => {
        const why = this.#explain(error)
        // After the head, Node reports to the body only that the connection ended.
        if (why instanceof AgentError && why.code === 'PROTOCOL_VIOLATION') this.#failure ??= why
        reject(why)
      })
      request.once('close', () => reject(this.#explain(new Error('the connection was closed before an answer'))))
      return undefined
    })
    void this.#send(request)
      // A failure of the body's own stream reaches the caller unchanged.
      .catch((error: unknown) => this.#fail(error instanceof Error ? error : new Error(String(error))))
      .finally(() => {
        this.#sent = true
        if (this.#answered) this.#sendIdle.stop()
      })
    const response = await answered
    this.#answered = true
    if ((response.statusCode ?? 0) >= 400) this.#stopSending = true
    if (this.#sent || this.#stopSending) this.#sendIdle.stop()
    return { status: response.statusCode ?? 0, headers: response.headers, body: this.#bodyOf(response) }
  }

  /** Ends the connection and everything that belongs to it. */
  finish(): void {
    this.#detach()
    this.#stopSending = true
    discard(this.#socket)
  }

  #detach(): void {
    this.#sendIdle.stop()
    this.#readIdle.stop()
    this.#guard.stop()
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
  }

  async #send(request: ClientRequest): Promise<void> {
    const { body } = this.#options
    let bytes = 0
    for await (const chunk of body?.stream ?? []) {
      if (bytes > 0) await polled()
      if (this.#stopSending) return
      bytes += chunk.length
      if (body?.bytes !== undefined && bytes > body.bytes) throw this.#wrongLength(bytes, body.bytes)
      const flushed = request.write(chunk)
      this.#sendIdle.touch()
      if (!flushed && !this.#socket.destroyed) await this.#drained(request)
    }
    if (this.#stopSending) return
    if (body?.bytes !== undefined && bytes !== body.bytes) throw this.#wrongLength(bytes, body.bytes)
    request.end()
    this.#sendIdle.touch()
  }

  #drained(request: ClientRequest): Promise<void> {
    return waitFor<void>(undefined, resolve => {
      const done = () => resolve()
      request.once('drain', done)
      request.once('close', done)
      request.once('response', done)
      return () => {
        request.removeListener('drain', done)
        request.removeListener('close', done)
        request.removeListener('response', done)
      }
    })
  }

  #bodyOf(response: IncomingMessage): HttpsResponse['body'] {
    const pieces = new ResponseBody(response, this.#socket, {
      // The idle time counts only while this side waits: a slow reader is not the server's fault.
      onWait: () => this.#readIdle.touch(),
      onPiece: () => this.#readIdle.pause(),
      onBytes: bytes => this.#guard.body(bytes),
      explain: error => this.#explain(error),
      onEnd: () => this.finish(),
    })
    // The response may end or break while the caller does not read: the timer and the listener go all the same.
    response.once('close', () => this.#detach())
    return {
      [Symbol.asyncIterator]: () => pieces,
      destroy: () => this.finish(),
    }
  }

  #abortedWith(): AgentError {
    return this.#options.signal === undefined
      ? new AgentError('ABORTED', 'The request was aborted.')
      : abortReason(this.#options.signal)
  }

  #fail(reason: Error): void {
    this.#failure ??= reason
    this.#socket.destroy(this.#failure)
  }

  #explain(error: unknown): Error {
    if (this.#failure !== undefined) return this.#failure
    if (error instanceof AgentError) return error
    const errno = errnoOf(error) ?? ''
    if (errno.startsWith('HPE_'))
      return new AgentError('PROTOCOL_VIOLATION', `${this.#place}: the answer is not HTTP: ${messageOf(error)}`, {
        remedy: otherService(this.#options.namedBy),
        cause: error,
      })
    const ended = this.#answered ? undefined : alertEnd(this.#place, this.#socket, error)
    if (ended !== undefined) return ended
    return new AgentError('LINK_LOST', `${this.#place}: the connection broke: ${reasonOf(error)}`, {
      cause: error,
      ...lostRemedy(this.#options.namedBy),
    })
  }

  #wrongLength(bytes: number, announced: number): AgentError {
    return new AgentError(
      'INVALID_ARGUMENT',
      `The body has ${bytes} bytes or more, not the ${announced} that were announced.`,
    )
  }
}

function closedEarly(place: string, socket: Socket, namedBy: NamedBy | undefined): AgentError {
  const text = `${place}: the server closed the connection`
  return alertEnd(place, socket) ?? new AgentError('LINK_LOST', text, lostRemedy(namedBy))
}

/** For a lost connection: the caller of a request is the only one who can repeat it. */
function lostRemedy(namedBy: NamedBy = namedByCloud): { readonly remedy?: string } {
  const remedy = reachRemedy('LINK_LOST', undefined, namedBy)
  return remedy === undefined ? {} : { remedy }
}

/**
 * Resolves when the event loop has polled the socket. A server that refuses a body and closes is heard only before the next
 * write: that write fails, and Node drops with the socket what it has not read.
 */
function polled(): Promise<void> {
  // The first one may come before the loop polls.
  return new Promise(resolve => setImmediate(() => setImmediate(resolve)))
}

function lengthOf(body: HttpsRequest['body']): Record<string, string> {
  if (body === undefined) return {}
  return body.bytes === undefined ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': String(body.bytes) }
}
