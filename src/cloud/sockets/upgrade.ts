// SPDX-License-Identifier: Apache-2.0
import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** A WebSocket upgrade that was admitted. */
export interface UpgradeRequest {
  readonly request: IncomingMessage
  readonly path: string
  /** The id in the path. */
  readonly id: string
  readonly socket: Socket
  readonly head: Buffer
}

/** Answers an upgrade with a status and a short text, and closes the connection. */
export function refuseUpgrade(
  socket: Duplex,
  status: number,
  text = '',
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = Buffer.from(text)
  const lines = Object.entries({
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': String(body.length),
    Connection: 'close',
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}\r\n${lines.join('')}\r\n${text}`)
}
