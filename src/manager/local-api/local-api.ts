// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import { asAgentError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import type { Log } from '../../base/log.ts'
import { socketPlace } from '../../platform/process/socket-place.ts'
import { type LocalClient, localRequests } from './requests.ts'
import { LocalSocketServer } from './server.ts'

/** For the requests that are under way when the manager ends. */
const closeTimeoutMs = 1_000

interface LocalApiParts {
  readonly client: LocalClient
  readonly socketPath: string
  readonly status: () => JsonObject
  /** The last lines of the log, secrets hidden. */
  readonly recentLog: () => string
  /** Ends one session of remote access by its id, or `all`; returns how many. */
  readonly endRelays: (id: string) => number
  readonly clock: Clock
  readonly log: Log
}

/** What the manager offers to other programs of the device, on its local socket. */
export class LocalApi {
  readonly #parts: LocalApiParts
  readonly #server: LocalSocketServer

  constructor(parts: LocalApiParts) {
    const { client, socketPath, status, recentLog, endRelays, log } = parts
    this.#parts = parts
    const handler = localRequests({
      client,
      status: async () => status(),
      log: recentLog,
      endRelays: async id => endRelays(id),
    })
    this.#server = new LocalSocketServer({ place: socketPlace(socketPath), handler, log })
  }

  /** Opens the socket. A manager without one still serves the cloud, so a failure is only logged. */
  async open(): Promise<void> {
    try {
      await this.#server.start()
    } catch (error) {
      const { socketPath: path, log } = this.#parts
      const { remedy } = asAgentError(error)
      log.error('local socket not opened: "device-cloud status" and the like do not reach this manager', {
        path,
        error,
        remedy,
      })
    }
  }

  /** How many programs are connected. */
  get connections(): number {
    return this.#server.connections
  }

  close(): Promise<void> {
    return this.#server.close(this.#parts.clock, closeTimeoutMs)
  }
}
