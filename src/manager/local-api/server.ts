// SPDX-License-Identifier: Apache-2.0
import { createServer, type Server, type Socket } from 'node:net'
import { AgentError } from '../../base/errors.ts'
import { once } from '../../base/lifecycle.ts'
import type { Log } from '../../base/log.ts'
import type { SocketPlace } from '../../platform/process/socket-place.ts'
import { LocalConnection, type RequestHandler } from './connection.ts'
import { failureAnswer } from './message.ts'

/** How many programs may be connected at once. */
export const maxConnections = 32

/** The local socket of the manager: one line of JSON per message, for the owner of the manager only. */
export class LocalSocketServer {
  readonly #server: Server
  readonly #place: SocketPlace
  readonly #handler: RequestHandler
  readonly #log: Log
  readonly #connections = new Set<LocalConnection>()
  #claimed = false

  constructor(parts: { place: SocketPlace; handler: RequestHandler; log: Log }) {
    this.#place = parts.place
    this.#handler = parts.handler
    this.#log = parts.log
    this.#server = createServer({ allowHalfOpen: true }, socket => this.#welcome(socket))
  }

  /** How many programs are connected. */
  get connections(): number {
    return this.#connections.size
  }

  readonly start: () => Promise<void> = once(async () => {
    try {
      await this.#place.claim(path => this.#listen(path))
    } catch (error) {
      // It may listen already, before the place was claimed.
      this.#server.close()
      throw error
    }
    this.#claimed = true
    this.#server.on('error', error => this.#log.error('local socket failed', { error }))
  })

  /** Takes no new connection, answers the requests under way, and ends all connections after `timeoutMs` at the latest. */
  async close(
    clock: { timer(delayMs: number, callback: () => void): { cancel(): void } },
    timeoutMs: number,
  ): Promise<void> {
    // A socket that was never claimed may be another manager's.
    if (!this.#claimed) return
    await this.#place.clear()
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    for (const connection of this.#connections) connection.close()
    const timer = clock.timer(timeoutMs, () => {
      for (const connection of this.#connections) connection.destroy()
    })
    await closed
    timer.cancel()
  }

  #listen(path: string): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(path, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
  }

  #welcome(socket: Socket): void {
    if (this.#connections.size >= maxConnections) {
      const message = `${maxConnections} programs are connected to the local socket already`
      socket.on('error', () => {})
      socket.end(`${JSON.stringify(failureAnswer(null, new AgentError('LIMIT_EXCEEDED', message)))}\n`)
      socket.resume()
      return
    }
    const connection: LocalConnection = new LocalConnection({
      socket,
      handler: this.#handler,
      log: this.#log,
      onClose: () => this.#connections.delete(connection),
    })
    this.#connections.add(connection)
  }
}
