import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { Socket } from 'node:net'
import type { Broker } from '../broker.ts'
import type { Certificates } from '../certificates.ts'
import type { Commands } from '../command.ts'
import type { ConnectionRecord } from '../connections.ts'
import type { RawSockets } from '../raw-sockets.ts'
import type { State } from '../state.ts'
import { Api } from './api.ts'
import { answer } from './body.ts'
import { serveConsole } from './console.ts'
import { Files } from './files.ts'
import { mqttUpgrade } from './mqtt-upgrade.ts'
import { Upgrades } from './upgrades.ts'

const mostConnections = 5_000

/** The HTTPS port: `POST /api`, `/file/ID`, the console, and what begins as a WebSocket. */
export function createHttps(o: {
  state: State
  commands: Commands
  broker: Broker
  raw: RawSockets
  certificates: Certificates
}): {
  server: Server
  upgrades: Upgrades
} {
  const { state, certificates } = o
  const api = new Api(state, o.commands)
  const files = new Files(state)
  const upgrades = new Upgrades()
  upgrades.add(mqttUpgrade(state, o.broker, o.raw))
  upgrades.add(upgrade => state.relays.take(upgrade))
  const records = new WeakMap<Socket, ConnectionRecord>()
  const server = createServer({
    cert: certificates.cert,
    key: certificates.key,
    minVersion: 'TLSv1.2',
    noDelay: true,
    // An upload takes as long as it takes.
    requestTimeout: 0,
  })
  server.maxConnections = mostConnections
  // Long, so that a client's next request does not meet a connection that is just being closed.
  server.keepAliveTimeout = 75_000
  server.on('request', (request, response) => {
    const record = recordOf(request, state, records)
    record.requests++
    state.connections.totals.requests++
    route(request, response, record).catch((error: unknown) => {
      process.stderr.write(`local cloud: ${error instanceof Error ? error.stack : String(error)}\n`)
      answer(response, 500, 'The local cloud made a mistake; see its output')
    })
  })
  server.on('upgrade', (request, socket, head) => upgrades.take(request, socket, head))

  async function route(request: IncomingMessage, response: ServerResponse, record: ConnectionRecord): Promise<void> {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
    const fileId = /^\/file\/([A-Za-z0-9]{1,100})$/.exec(path)?.[1]
    if (fileId !== undefined) return files.take(request, response, fileId, record)
    if (path === '/api') return api.take(request, response, record)
    return serveConsole(request, response, path)
  }

  return { server, upgrades }
}

function recordOf(
  request: IncomingMessage,
  state: State,
  records: WeakMap<Socket, ConnectionRecord>,
): ConnectionRecord {
  const { socket } = request
  const known = records.get(socket)
  if (known !== undefined) return known
  const remote = { address: socket.remoteAddress, port: socket.remotePort }
  const measure = () => ({ bytesIn: socket.bytesRead, bytesOut: socket.bytesWritten })
  const record = state.connections.open('https', remote, measure)
  records.set(socket, record)
  socket.once('close', () => state.connections.close(record))
  return record
}
