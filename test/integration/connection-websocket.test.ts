// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import type { Duplex } from 'node:stream'
import { type TestContext, test } from 'node:test'
import type { WebSocket } from 'ws'
import { WebSocketServer } from 'ws'
import { systemClock } from '../../src/base/clock.ts'
import { openWebSocket, type WebSocketTarget, webSocketStream } from '../../src/connection/http/websocket.ts'
import { next, testLink, testOpener } from '../helpers/connecting.ts'
import { eventually } from '../helpers/eventually.ts'
import { makeAuthority, makeCertificate } from '../helpers/test-certificates.ts'
import { listen, type TestServer, testSite, tlsServer } from '../helpers/test-servers.ts'

const authority = makeAuthority()
const certificate = makeCertificate({ name: 'cloud', issuer: authority, hosts: ['127.0.0.1', '::1'] })
const { certificate: cert, key } = certificate
const accept = (request: IncomingMessage) =>
  createHash('sha1')
    .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64')

/** A server whose upgrades a test answers by hand. */
async function upgrading(
  t: TestContext,
  answer: (request: IncomingMessage, socket: Duplex) => void,
): Promise<TestServer> {
  const server = createServer({ cert, key }, (_request, response) => response.writeHead(404).end())
  server.on('upgrade', (request, socket) => answer(request, socket))
  return listen(t, server)
}

function open(
  t: TestContext,
  port: number,
  target: Partial<WebSocketTarget> = {},
  timeoutMs = 10_000,
): Promise<WebSocket> {
  const { opener } = testOpener(t, { authority })
  const place = { host: '127.0.0.1', port, tls: true, path: '/mqtt', ...target }
  return openWebSocket(place, { opener, clock: systemClock, timeoutMs })
}

test('the upgrade is what the Python agent sends: path, subprotocol, origin, no extensions [TR50 1.1]', async t => {
  const site = await testSite(t, certificate, (_request, response) => response.writeHead(404).end())
  const upgrades: IncomingMessage[] = []
  site.https.server.on('upgrade', request => upgrades.push(request))
  const link = testLink(t, { host: '127.0.0.1', port: site.https.port, transport: 'wss' }, testOpener(t, { authority }))
  const up = next(link, 'up')
  link.start()
  await up
  const [request] = upgrades
  assert.equal(request?.url, '/mqtt')
  assert.equal(request?.headers['sec-websocket-protocol'], 'mqtt')
  assert.equal(request?.headers.origin, `https://127.0.0.1:${site.https.port}`)
  assert.equal(request?.headers.host, `127.0.0.1:${site.https.port}`)
  assert.equal(request?.headers['sec-websocket-extensions'], undefined)
  await link.close()
})

test('each MQTT packet travels in one binary message of its own', async t => {
  const messages: Buffer[] = []
  const server = createServer({ cert, key })
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', socket =>
    socket.on('message', (data: Buffer, isBinary) => {
      assert.ok(isBinary)
      messages.push(data)
      if (messages.length === 1) socket.send(Buffer.from([0x20, 2, 0, 0]))
      if (data[0] === 0x32) socket.send(Buffer.from([0x40, 2, ...data.subarray(2 + 2 + 8, 2 + 2 + 8 + 2)]))
    }),
  )
  t.after(() => sockets.close())
  const { port } = await listen(t, server)
  const link = testLink(t, { host: '127.0.0.1', port, transport: 'wss' }, testOpener(t, { authority }))
  const up = next(link, 'up')
  link.start()
  await up
  await link.publish('api/0001', 'payload', 1)
  await link.close({ timeoutMs: 200 })
  assert.deepEqual(
    messages.map(message => (message[0] ?? 0) >> 4),
    [1, 3, 14],
  )
})

test('MQTT over WebSocket works over IPv6', async t => {
  const site = await testSite(t, certificate, (_request, response) => response.end(), '::1')
  const link = testLink(t, { host: '::1', port: site.https.port, transport: 'wss' }, testOpener(t, { authority }))
  const up = next(link, 'up')
  link.start()
  await up
  await link.publish('api/0001', 'x', 1)
  await link.close()
})

test('a server without WebSocket is WEBSOCKET_REFUSED with its status, and the link says so', async t => {
  const server = await listen(
    t,
    createServer({ cert, key }, (_request, response) => response.writeHead(404).end('no')),
  )
  await assert.rejects(open(t, server.port, { path: '/mqtt?key=secret-key' }), (error: Error) => {
    assert.equal((error as { code?: unknown }).code, 'WEBSOCKET_REFUSED')
    assert.match(error.message, /\/mqtt: the server answered 404 Not Found instead of a WebSocket upgrade/)
    assert.ok(!error.message.includes('secret-key'))
    return true
  })
  await eventually('the connection is closed', () => server.sockets.size === 0)
})

test('a redirect is not followed', async t => {
  const other = await listen(t, createServer({ cert, key }))
  const location = `https://127.0.0.1:${other.port}/mqtt`
  const server = await listen(
    t,
    createServer({ cert, key }, (_request, response) => response.writeHead(302, { location }).end()),
  )
  await assert.rejects(open(t, server.port), { code: 'WEBSOCKET_REFUSED' })
  assert.equal(other.peers.length, 0)
})

test('a wrong accept key is refused', async t => {
  const server = await upgrading(t, (_request, socket) =>
    socket.end(
      'HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n',
    ),
  )
  await assert.rejects(open(t, server.port), { code: 'WEBSOCKET_REFUSED' })
})

test('a server that names no subprotocol, or another one, is taken as agreeing', async t => {
  for (const header of ['', 'Sec-WebSocket-Protocol: mqttv3.1\r\n']) {
    const server = await upgrading(t, (request, socket) =>
      socket.write(
        `HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: ${accept(request)}\r\n${header}\r\n`,
      ),
    )
    const webSocket = await open(t, server.port, { subprotocol: 'mqtt' })
    webSocket.terminate()
  }
})

test('what the server sends together with its answer waits until it is asked for', async t => {
  const server = await upgrading(t, (request, socket) => {
    const head = `HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: ${accept(request)}\r\n\r\n`
    socket.write(Buffer.concat([Buffer.from(head), Buffer.from([0x82, 5]), Buffer.from('hello')]))
  })
  const webSocket = await open(t, server.port)
  await new Promise<void>(resolve => setImmediate(resolve))
  const stream = await webSocketStream(webSocket)
  const [chunk] = await new Promise<unknown[]>(resolve => stream.once('data', (...args) => resolve(args)))
  assert.equal(String(chunk), 'hello')
  stream.destroy()
})

test('a message beyond the limit ends the WebSocket, not the process', async t => {
  const server = await upgrading(t, (request, socket) => {
    socket.on('error', () => {})
    const head = `HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: ${accept(request)}\r\n\r\n`
    socket.write(Buffer.concat([Buffer.from(head), Buffer.from([0x82, 127, 0, 0, 0, 1, 0, 0, 0, 0])]))
  })
  const webSocket = await open(t, server.port)
  const closed = new Promise<void>(resolve => webSocket.once('close', () => resolve()))
  webSocket.resume()
  await closed
})

test('a server that never answers the upgrade is given up', async t => {
  const server = await tlsServer(t, certificate, { serve: socket => void socket.resume() })
  await assert.rejects(open(t, server.port, {}, 300), { code: 'TIMEOUT', message: /WebSocket upgrade/ })
  await eventually('the connection is closed', () => server.sockets.size === 0)
})

test('a server that answers the upgrade with informational answers without end is given up', async t => {
  const server = await upgrading(t, (_request, socket) => {
    const send = () => {
      if (socket.destroyed) return
      if (socket.write('HTTP/1.1 102 Processing\r\n\r\n'.repeat(10))) setImmediate(send)
      else socket.once('drain', send)
    }
    send()
  })
  await assert.rejects(open(t, server.port), { code: 'PROTOCOL_VIOLATION', message: /more than 16 informational/ })
  await eventually('the connection is closed', () => server.sockets.size === 0)
})

for (const [what, frame] of [
  ['pings', [0x89, 0]],
  ['pongs', [0x8a, 0]],
  ['empty messages', [0x82, 0]],
  ['empty pieces of a message', [0x02, 0, ...Array(1000).fill([0, 0]).flat()]],
] as const)
  test(`${what} without end end the WebSocket`, async t => {
    const server = await upgrading(t, (request, socket) => {
      socket.write(
        `HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: ${accept(request)}\r\n\r\n`,
      )
      // The answers to pings are read and thrown away.
      socket.resume()
      let isFirst = true
      const send = () => {
        if (socket.destroyed) return
        // A message begins once; the pieces that follow have a kind of their own.
        const bytes = Buffer.from(frame.length > 2 && !isFirst ? frame.slice(2) : frame)
        isFirst = false
        if (socket.write(frame.length > 2 ? bytes : Buffer.concat(Array(100).fill(bytes)))) setImmediate(send)
        else socket.once('drain', send)
      }
      send()
    })
    const webSocket = await open(t, server.port)
    const ended = new Promise<Error | undefined>(resolve => {
      webSocket.once('error', resolve)
      // The package ends it by itself when too many of its own answers to pings wait.
      webSocket.once('close', () => resolve(undefined))
    })
    webSocket.resume()
    const error = await ended
    if (what !== 'pings')
      assert.match(error?.message ?? '', /packets that the agent did not ask for|Too many message fragments/)
    await eventually('the connection is closed', () => server.sockets.size === 0)
  })
