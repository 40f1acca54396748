// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, ServerResponse } from 'node:http'
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
import { notFoundRefusal, pathOf, plainAddress, type Refusal, refusalOf } from './admission.ts'
import { Api } from './api.ts'
import { answer } from './body.ts'
import { Files } from './files.ts'
import { findRoute } from './route.ts'
import { requestRoutes, type Services, upgradeRoutes } from './routes.ts'

const maxConnections = 5_000
/** Unknown names of this cloud that are written to stderr. */
const maxReportedRefusals = 20

/** Headers of every answer: a browser must not use it as a page, a script or a part of one. The console overrides them. */
const safety = {
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
}

export interface HttpsParts {
  readonly state: State
  readonly commands: Commands
  readonly broker: Broker
  readonly rawSockets: RawSockets
  readonly certificates: Certificates
  /** Names of this cloud besides those of loopback, in lower case. */
  readonly names: readonly string[]
}

/** The HTTPS port: `POST /api`, `/file/ID`, the console, and upgrades to WebSocket. */
export function createHttps(parts: HttpsParts): Server {
  const { cert, key } = parts.certificates
  const server = createServer({
    cert,
    key,
    minVersion: 'TLSv1.2',
    noDelay: true,
    // An upload may take any time.
    requestTimeout: 0,
    // A missing Host is refused below, with the reason.
    requireHostHeader: false,
  })
  server.maxConnections = maxConnections
  // Long, so that a client does not send its next request on a connection that is being closed.
  server.keepAliveTimeout = 75_000
  const router = new Router(parts)
  server.on('request', (request, response) => router.serve(request, response))
  server.on('upgrade', (request, duplex, head) => router.upgrade(request, duplex as Socket, head))
  return server
}

/** Serves the requests and upgrades that `refusalOf` admits, and no other. */
class Router {
  readonly #state: State
  readonly #services: Services
  readonly #names: ReadonlySet<string>
  readonly #records = new WeakMap<Socket, ConnectionRecord>()
  readonly #reportedRefusals = new Set<string>()

  constructor({ state, commands, broker, rawSockets, names }: HttpsParts) {
    this.#state = state
    this.#names = new Set(names.map(plainAddress))
    this.#services = {
      api: new Api(state, commands),
      files: new Files(state),
      mqtt: new MqttUpgrade(state, broker, rawSockets),
      relays: state.relays,
    }
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    const record = this.#recordOf(request)
    record.requests++
    this.#state.connections.totals.requests++
    for (const [name, value] of Object.entries(safety)) response.setHeader(name, value)
    const found = findRoute(requestRoutes, pathOf(request.url) ?? '')
    const refusal = refusalOf(request, found?.route, this.#names)
    if (refusal !== undefined || found === undefined) {
      const { status, text, headers } = this.#report(refusal, record)
      answer(response, status, text, headers)
      return
    }
    found.route.take({ request, response, record, id: found.id }, this.#services).catch((error: unknown) => {
      process.stderr.write(`local cloud: ${error instanceof Error ? error.stack : String(error)}\n`)
      answer(response, 500, 'The local cloud failed. See its output.')
    })
  }

  upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on('error', () => socket.destroy())
    const path = pathOf(request.url) ?? ''
    const found = findRoute(upgradeRoutes, path)
    const refusal = refusalOf(request, found?.route, this.#names)
    if (refusal !== undefined || found === undefined) {
      const { status, text, headers } = this.#report(refusal, this.#recordOf(request))
      refuseUpgrade(socket, status, text, { ...safety, ...headers })
      return
    }
    found.route.take({ request, path, id: found.id, socket, head }, this.#services)
  }

  /** Adds a refusal to the transcript, and writes it to stderr when the developer's own name for this cloud is the cause. */
  #report(refusal: Refusal = notFoundRefusal, record: ConnectionRecord): Refusal {
    const { status, text } = refusal
    this.#state.transcript.event(record.id, 'refused', { text: `${status}: ${text}` })
    const reported = this.#reportedRefusals
    if (status === 421 && reported.size < maxReportedRefusals && !reported.has(text)) {
      reported.add(text)
      process.stderr.write(`local cloud: refused: ${text}\n`)
    }
    return refusal
  }

  #recordOf({ socket }: IncomingMessage): ConnectionRecord {
    const known = this.#records.get(socket)
    if (known !== undefined) return known
    const remote = { address: socket.remoteAddress, port: socket.remotePort }
    const measure = () => ({ bytesIn: socket.bytesRead, bytesOut: socket.bytesWritten })
    const record = this.#state.connections.open('https', remote, measure)
    this.#records.set(socket, record)
    socket.once('close', () => this.#state.connections.close(record))
    return record
  }
}
