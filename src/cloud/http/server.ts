import type { IncomingMessage } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { Socket } from 'node:net'
import type { Certificates } from '../data-folder/certificates.ts'
import type { Broker } from '../mqtt/broker.ts'
import { MqttUpgrade } from '../mqtt/mqtt-upgrade.ts'
import type { Commands } from '../requests/command.ts'
import type { RawSockets } from '../sockets/raw-sockets.ts'
import { refuseUpgrade } from '../sockets/upgrade.ts'
import type { State } from '../store/state.ts'
import type { ConnectionRecord } from '../traffic/connections.ts'
import { pathOf, plainAddress, type Refusal, refusalOf } from './admission.ts'
import { Api } from './api.ts'
import { answer } from './body.ts'
import { Files } from './files.ts'
import { findRoute } from './route.ts'
import { requestRoutes, type Services, upgradeRoutes } from './routes.ts'

const maxConnections = 5_000
/** Foreign names that stderr tells. */
const maxTold = 20

/** On every answer: whatever it holds, a browser takes it for no page, no script and no part of one; the console says otherwise. */
const safety = {
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
}

/** The HTTPS port: `POST /api`, `/file/ID`, the console, and what begins as a WebSocket. */
export function createHttps(o: {
  state: State
  commands: Commands
  broker: Broker
  raw: RawSockets
  certificates: Certificates
  /** What this cloud is called beside loopback, in lower case. */
  names: readonly string[]
}): Server {
  const { state, certificates } = o
  const services: Services = {
    api: new Api(state, o.commands),
    files: new Files(state),
    mqtt: new MqttUpgrade(state, o.broker, o.raw),
    relays: state.relays,
  }
  const names = new Set(o.names.map(plainAddress))
  const records = new WeakMap<Socket, ConnectionRecord>()
  const told = new Set<string>()
  const server = createServer({
    cert: certificates.cert,
    key: certificates.key,
    minVersion: 'TLSv1.2',
    noDelay: true,
    // An upload takes as long as it takes.
    requestTimeout: 0,
    // Its lack is answered below, with the reason.
    requireHostHeader: false,
  })
  server.maxConnections = maxConnections
  // Long, so that a client's next request does not meet a connection that is just being closed.
  server.keepAliveTimeout = 75_000

  // The only two ways in. Nobody is served here whom `refusalOf` has not let pass.
  server.on('request', (request, response) => {
    const record = recordOf(request, state, records)
    record.requests++
    state.connections.totals.requests++
    for (const [name, value] of Object.entries(safety)) response.setHeader(name, value)
    const found = findRoute(requestRoutes, pathOf(request.url) ?? '')
    const refusal = refusalOf(request, found?.route, names)
    if (refusal !== undefined || found === undefined) {
      const { status, text, headers } = noted(refusal, record)
      answer(response, status, text, headers)
      return
    }
    found.route.take({ request, response, record, id: found.id }, services).catch((error: unknown) => {
      process.stderr.write(`local cloud: ${error instanceof Error ? error.stack : String(error)}\n`)
      answer(response, 500, 'The local cloud made a mistake; see its output')
    })
  })
  server.on('upgrade', (request, duplex, head) => {
    const socket = duplex as Socket
    socket.on('error', () => socket.destroy())
    const path = pathOf(request.url) ?? ''
    const found = findRoute(upgradeRoutes, path)
    const refusal = refusalOf(request, found?.route, names)
    if (refusal !== undefined || found === undefined) {
      const { status, text, headers } = noted(refusal, recordOf(request, state, records))
      refuseUpgrade(socket, status, text, { ...safety, ...headers })
      return
    }
    found.route.take({ request, path, id: found.id, socket, head }, services)
  })
  return server

  /** Tells whoever looks for the reason. */
  function noted(refusal: Refusal = { status: 404, text: 'Nothing here' }, record: ConnectionRecord): Refusal {
    state.transcript.event(record.id, 'refused', { text: `${refusal.status}: ${refusal.text}` })
    // The one that a developer brings about, with a name of his own.
    if (refusal.status === 421 && told.size < maxTold && !told.has(refusal.text)) {
      told.add(refusal.text)
      process.stderr.write(`local cloud: refused: ${refusal.text}\n`)
    }
    return refusal
  }
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
