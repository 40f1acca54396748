// SPDX-License-Identifier: Apache-2.0
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { type TestServer, tcpServer } from './test-servers.ts'

/** A TCP server that sends back what it gets. */
export function echoServer(t: TestContext, host?: string): Promise<TestServer> {
  return tcpServer(t, socket => void socket.pipe(socket), host)
}

/**
 * The same on ::1 alone: nothing listens on that port of 127.0.0.1, and nothing can, for a connection that leaves from
 * it holds it until the test ends. Another test that happened to listen there would answer in its place.
 */
export async function ipv6EchoServer(t: TestContext): Promise<TestServer> {
  const keeper = await tcpServer(t, () => {})
  for (let tries = 0; ; tries++) {
    const echo = await echoServer(t, '::1')
    const holder = connect({ port: keeper.port, host: '127.0.0.1', localAddress: '127.0.0.1', localPort: echo.port })
    t.after(() => void holder.destroy())
    try {
      await once(holder, 'connect')
      return echo
    } catch (error) {
      if (tries === 5) throw error
    }
  }
}

/** A connected client that goes with the test. */
export async function tcpClient(t: TestContext, port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host, noDelay: true })
  socket.on('error', () => {})
  t.after(() => void socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** Reads exactly `bytes` bytes; fails when the other side ends before. */
export function readBytes(socket: Socket, bytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    let have = 0
    const finish = (act: () => void) => {
      socket.off('data', onData)
      socket.off('close', onClose)
      act()
    }
    const onData = (part: Buffer) => {
      parts.push(part)
      have += part.length
      if (have >= bytes) finish(() => resolve(Buffer.concat(parts)))
    }
    const onClose = () => finish(() => reject(new Error(`closed after ${have} of ${bytes} bytes`)))
    socket.on('data', onData)
    socket.on('close', onClose)
  })
}

/** Everything until the other side ends. */
export async function readToEnd(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = []
  socket.on('data', (part: Buffer) => void parts.push(part))
  if (!socket.destroyed) await once(socket, 'close')
  return Buffer.concat(parts)
}

const firstPort = 10_240
/** Linux gives the ports from 32768 on to connections, and to servers that ask for any. */
const ports = 32_768 - firstPort
/** Processes begin at different places, so that a port is rarely asked for twice. */
let nextPort = process.pid * 61

/**
 * A port of 127.0.0.1 for a program that cannot choose one itself, or that comes back on it. No connection gets it by chance, and
 * until this process ends no other test gets it, also while nothing listens there.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < ports; tries++) {
    const port = firstPort + (nextPort++ % ports)
    if ((await isClaimed(port)) && (await isFree(port))) return port
  }
  throw new Error('no port is free')
}

/** Holds the UDP port of the same number, which nothing here uses otherwise: so the processes of the tests know of each other. */
function isClaimed(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const claim = createSocket('udp4')
    claim.once('error', () => resolve(false))
    claim.bind({ port, address: '127.0.0.1', exclusive: true }, () => {
      claim.unref()
      resolve(true)
    })
  })
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
