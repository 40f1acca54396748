// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { Aedes, type Client } from 'aedes'
import { createWebSocketStream, WebSocketServer } from 'ws'
import type { TestCertificate } from './test-certificates.ts'

/** A server of a test, on a free port of one loopback address. */
export interface TestServer {
  readonly server: Server
  readonly port: number
  /** Remote port of every connection that came, in order. */
  readonly peers: readonly number[]
  /** Connections that are open now. */
  readonly sockets: ReadonlySet<Socket>
}

/** Listens, counts its connections, and ends with the test. */
export async function listen(t: TestContext, server: Server, host = '127.0.0.1', port = 0): Promise<TestServer> {
  const peers: number[] = []
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    socket.setNoDelay(true)
    socket.on('error', () => {})
    if (socket.remotePort !== undefined) peers.push(socket.remotePort)
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(port, host)
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { server, port: (server.address() as AddressInfo).port, peers, sockets }
}

/** A TCP server whose connections go to `serve`. */
export function tcpServer(
  t: TestContext,
  serve: (socket: Socket) => void,
  host?: string,
  port?: number,
): Promise<TestServer> {
  return listen(t, createTcpServer(serve), host, port)
}

/** A TLS server whose decrypted connections go to `serve`. */
export function tlsServer(
  t: TestContext,
  certificate: TestCertificate,
  options: TlsOptions & { serve?: (socket: Socket) => void; host?: string } = {},
): Promise<TestServer> {
  const { serve = () => {}, host, ...tls } = options
  const server = createTlsServer({ cert: certificate.certificate, key: certificate.key, ...tls }, socket => {
    socket.on('error', () => {})
    serve(socket)
  })
  server.on('tlsClientError', () => {})
  return listen(t, server, host)
}

export interface TestBroker {
  readonly aedes: Aedes
  /** Topic and payload of everything that clients published, in order. */
  readonly published: { readonly topic: string; readonly payload: string; readonly clientId: string }[]
  /** Pushes a message to a client that has subscribed to nothing, as the cloud does. */
  push(clientId: string, topic: string, payload: string | Buffer, qos?: 0 | 1): void
}

/** An MQTT broker without ports; give its `aedes.handle` to a server. */
export async function testBroker(t: TestContext): Promise<TestBroker> {
  const aedes = await Aedes.createBroker()
  const published: { topic: string; payload: string; clientId: string }[] = []
  aedes.on('publish', (packet, client) => {
    if (client !== null)
      published.push({ topic: packet.topic, payload: packet.payload.toString(), clientId: client.id })
  })
  const clients = new Map<string, Client>()
  aedes.on('clientReady', client => void clients.set(client.id, client))
  t.after(() => new Promise<void>(resolve => aedes.close(() => resolve())))
  return {
    aedes,
    published,
    push: (clientId, topic, payload, qos = 0) =>
      clients.get(clientId)?.publish({ cmd: 'publish', topic, payload, qos, retain: false, dup: false }, () => {}),
  }
}

export interface TestSite {
  readonly mqtt: TestServer
  readonly mqtts: TestServer
  readonly https: TestServer
  readonly broker: TestBroker
}

/** A broker on three transports (`/mqtt` on the HTTPS port is the WebSocket), and whatever else HTTPS shall answer. */
export async function testSite(
  t: TestContext,
  certificate: TestCertificate,
  answer: RequestListener,
  host = '127.0.0.1',
): Promise<TestSite> {
  const broker = await testBroker(t)
  const handle = (socket: Socket) => void broker.aedes.handle(socket)
  const https = createHttpsServer({ cert: certificate.certificate, key: certificate.key }, answer)
  https.on('tlsClientError', () => {})
  const webSockets = new WebSocketServer({
    server: https,
    path: '/mqtt',
    handleProtocols: offered => [...offered][0] ?? false,
  })
  webSockets.on('connection', (webSocket, request) => {
    const stream = createWebSocketStream(webSocket)
    stream.on('error', () => {})
    broker.aedes.handle(stream, request)
  })
  t.after(() => webSockets.close())
  return {
    mqtt: await tcpServer(t, handle, host),
    mqtts: await tlsServer(t, certificate, { serve: handle, host }),
    https: await listen(t, https, host),
    broker,
  }
}
