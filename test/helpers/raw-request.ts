// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { connect } from 'node:tls'

export interface RawRequest {
  readonly method?: string
  /** The request target as it is sent. */
  readonly target: string
  readonly version?: '1.0' | '1.1'
  /** In this order, also twice the same; nothing is added. */
  readonly headers?: readonly (readonly [name: string, value: string])[]
  readonly body?: string
}

export interface RawAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The headers of an upgrade to WebSocket that lack Host and Origin. */
export const upgradeHeaders = [
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
  ['Sec-WebSocket-Version', '13'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
] as const

/**
 * One request over TLS of which every byte is given: what browsers forbid their pages, and client libraries add by themselves,
 * is the test's to choose. Reads until the end, or for an upgrade until its head is there.
 */
export function rawRequest(to: { https: number; ca: string }, request: RawRequest): Promise<RawAnswer> {
  const { method = 'GET', target, version = '1.1', headers = [], body = '' } = request
  const length: (readonly [string, string])[] = body === '' ? [] : [['Content-Length', String(Buffer.byteLength(body))]]
  const hasConnection = headers.some(([name]) => name.toLowerCase() === 'connection')
  const close: (readonly [string, string])[] = hasConnection ? [] : [['Connection', 'close']]
  const lines = [...headers, ...length, ...close].map(([name, value]) => `${name}: ${value}\r\n`)
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: to.https, ca: readFileSync(to.ca), servername: 'localhost' })
    let text = ''
    socket.setEncoding('latin1')
    socket.once('secureConnect', () =>
      socket.write(`${method} ${target} HTTP/${version}\r\n${lines.join('')}\r\n${body}`),
    )
    socket.on('data', (part: string) => {
      text += part
      if (text.startsWith('HTTP/1.1 101') && text.includes('\r\n\r\n')) socket.destroy()
    })
    socket.on('error', error => text === '' && reject(error))
    socket.on('close', () => resolve(parse(text)))
  })
}

function parse(text: string): RawAnswer {
  const end = text.indexOf('\r\n\r\n')
  const [first = '', ...lines] = text.slice(0, Math.max(0, end)).split('\r\n')
  const headers = lines.map(line => [
    line.slice(0, line.indexOf(':')).toLowerCase(),
    line.slice(line.indexOf(':') + 1).trim(),
  ])
  return { status: Number(first.split(' ')[1] ?? 0), headers: Object.fromEntries(headers), body: text.slice(end + 4) }
}
