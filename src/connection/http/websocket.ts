// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ClientOptions, WebSocket } from 'ws'
import type { Clock } from '../../base/clock.ts'
import { AgentError, errnoOf, messageOf } from '../../base/errors.ts'
import { waitFor, withDeadline } from '../../base/wait.ts'
import { PacketBudget } from '../socket/packet-budget.ts'
import type { SocketOpener } from '../socket/socket-opener.ts'
import { bracketed, hostAndPort } from '../tcp/endpoint.ts'
import { reasonOf } from '../tcp/failure.ts'
import type { NamedBy } from '../tcp/named-by.ts'
import { discard, type RefuseAddress } from '../tcp/open-tcp.ts'
import { endOfTls } from '../tls/tls-end.ts'
import { AnswerGuard } from './answer-guard.ts'

/** Largest WebSocket message accepted, unless the caller sets another bound; relay messages are far smaller. */
export const maxWebSocketMessageBytes = 4 * 1024 * 1024

const defaultCloseWithinMs = 2000

export interface WebSocketTarget {
  readonly host: string
  readonly port: number
  readonly tls: boolean
  /** Path and query, beginning with `/`. */
  readonly path: string
  /** The path is a credential and appears in no error. */
  readonly pathIsSecret?: boolean | undefined
  /** Offered to the server. A server that picks none or another counts as agreeing, as for the Python agent [TR50 1.1]. */
  readonly subprotocol?: string | undefined
  readonly origin?: string | undefined
}

export interface OpenWebSocketOptions {
  readonly opener: SocketOpener
  readonly clock: Clock
  /** For everything together, the upgrade included. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  /** As for `SocketOpener.open`. */
  readonly refuse?: RefuseAddress | undefined
  readonly namedBy?: NamedBy | undefined
  readonly maxMessageBytes?: number | undefined
  /** How long the other side may take to agree to a close before the connection is cut; default 2 s. */
  readonly closeWithinMs?: number | undefined
}

/**
 * An open WebSocket over a socket of the opener. It is paused, so that nothing is lost: the caller adds listeners, then calls `resume()`
 * (or hands it to {@link webSocketStream}).
 *
 * @throws AgentError `WEBSOCKET_REFUSED`, `TCP_FAILED`, `TIMEOUT`, `ABORTED`, and all of `SocketOpener.open`
 */
export async function openWebSocket(target: WebSocketTarget, options: OpenWebSocketOptions): Promise<WebSocket> {
  const { opener, clock, timeoutMs, signal, refuse, namedBy } = options
  // Loaded on demand: half of the fleet never uses WebSocket.
  const { WebSocket } = await import('ws')
  const startMs = clock.monotonicMs()
  const socket = await opener.open(target, { timeoutMs, signal, refuse, namedBy })
  const place = `${hostAndPort(target)}${target.pathIsSecret ? '' : target.path.split('?')[0]}`
  const { maxMessageBytes = maxWebSocketMessageBytes, closeWithinMs = defaultCloseWithinMs } = options
  const leftMs = Math.max(0, timeoutMs - (clock.monotonicMs() - startMs))
  return withDeadline(
    clock,
    leftMs,
    () => new AgentError('TIMEOUT', `${place}: not open after ${timeoutMs} ms (WebSocket upgrade)`),
    ended =>
      upgrade(WebSocket, socket, target, place, ended, { maxPayload: maxMessageBytes, closeTimeout: closeWithinMs }),
    signal,
  ).then(
    webSocket => {
      endFloods(webSocket, clock, place)
      return webSocket
    },
    (error: unknown) => {
      discard(socket)
      throw error
    },
  )
}

/** Ends a connection that floods with empty frames: the layers above never see those. */
function endFloods(webSocket: WebSocket, clock: Clock, place: string): void {
  const budget = new PacketBudget(clock)
  const count = () => {
    try {
      budget.received(0)
    } catch (error) {
      webSocket.emit('error', new AgentError('PROTOCOL_VIOLATION', `${place}: ${messageOf(error)}`, { cause: error }))
      webSocket.terminate()
    }
  }
  webSocket.on('ping', count).on('pong', count)
  webSocket.on('message', data => {
    if (Buffer.isBuffer(data) && data.length === 0) count()
  })
}

/** An open WebSocket as a byte stream with back-pressure: each write is one binary message. */
export async function webSocketStream(webSocket: WebSocket): Promise<Duplex> {
  const { createWebSocketStream } = await import('ws')
  return createWebSocketStream(webSocket)
}

function upgrade(
  WebSocketClass: typeof WebSocket,
  socket: Socket,
  target: WebSocketTarget,
  place: string,
  signal: AbortSignal,
  // The types of the package do not know closeTimeout yet.
  limits: { readonly maxPayload: number; readonly closeTimeout: number },
): Promise<WebSocket> {
  return waitFor<WebSocket>(signal, (resolve, reject) => {
    const { tls, host, port, path, subprotocol, origin } = target
    const url = `${tls ? 'wss' : 'ws'}://${bracketed(host)}:${port}${path}`
    const options: ClientOptions = {
      ...limits,
      // The only socket that this upgrade can use: without an HTTP agent no other is opened.
      createConnection: () => socket,
      followRedirects: false,
      perMessageDeflate: false,
      finishRequest: request => {
        const guard = new AnswerGuard(place, error => {
          reject(error)
          request.destroy()
        })
        guard.countInformational(request)
        request.end()
      },
      ...(origin === undefined ? {} : { origin }),
    }
    const webSocket = new WebSocketClass(url, subprotocol === undefined ? [] : [subprotocol], options)
    // Never removed: an error without a listener would end the process.
    webSocket.on('error', error => reject(upgradeFailure(place, socket, error)))
    webSocket.on('unexpected-response', (request, response: IncomingMessage) => {
      const status = response.statusCode ?? 0
      const text = `${place}: the server answered ${status} ${response.statusMessage ?? ''}`.trimEnd()
      reject(
        new AgentError('WEBSOCKET_REFUSED', `${text} instead of a WebSocket upgrade`, {
          details: { status },
          ...(isServersReason(status) ? { remedy: serversReason } : {}),
        }),
      )
      request.destroy()
    })
    webSocket.on('upgrade', (response: IncomingMessage) => {
      if (subprotocol !== undefined) response.headers['sec-websocket-protocol'] = subprotocol
    })
    webSocket.once('open', () => {
      webSocket.pause()
      resolve(webSocket)
    })
    return undefined
  })
}

/** Statuses that point at the server, or a gateway before it, and not at a wrong address. */
function isServersReason(status: number): boolean {
  return status === 401 || status === 403 || status >= 500
}

const serversReason = 'Look into the log of the server, and of what stands before it.'

function upgradeFailure(place: string, socket: Socket, error: Error): AgentError {
  const ended = endOfTls(place, socket, error)
  if (ended !== undefined) return ended
  const errno = errnoOf(error)
  if (errno !== undefined && /^E[A-Z]+$/.test(errno))
    return new AgentError('TCP_FAILED', `${place}: during the WebSocket upgrade: ${reasonOf(error)}`, { cause: error })
  return new AgentError('WEBSOCKET_REFUSED', `${place}: the WebSocket upgrade failed: ${messageOf(error)}`, {
    cause: error,
  })
}
