// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import { AgentError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import type { Log } from '../../base/log.ts'
import type { Client } from '../../client/client.ts'
import type { ManagerSettings, Settings } from '../../config/settings.ts'
import { trustSettings } from '../../connection/tls/trust-settings.ts'
import { ownAddresses } from '../../platform/system/network-paths.ts'
import type { ManagedAction } from '../actions/index.ts'
import type { RelaySessions, RelaySettings } from './relay-sessions.ts'
import { type OpenRelay, remoteAccessAction } from './remote-access-action.ts'

/** For the last bytes of the sessions when the manager ends. */
const closeTimeoutMs = 1_000

interface RemoteAccessParts {
  readonly client: Pick<Client, 'events' | 'status'>
  readonly config: {
    readonly connection: Settings
    readonly own: { readonly settings: ManagerSettings }
    /** Why the commands of services do not run; undefined when they do. */
    readonly whyNoCommands: string | undefined
  }
  readonly clock: Clock
  readonly log: Log
}

/** Remote access of the manager. Its code is loaded by the first session: most devices never have one. */
export class RemoteAccess {
  readonly #parts: RemoteAccessParts
  #loading: Promise<RelaySessions> | undefined
  #sessions: RelaySessions | undefined
  #isClosed = false

  constructor(parts: RemoteAccessParts) {
    this.#parts = parts
  }

  get actions(): readonly ManagedAction[] {
    return [remoteAccessAction(this.#open)]
  }

  readonly #open: OpenRelay = async (request, signal) => {
    this.#loading ??= this.#load()
    const sessions = await this.#loading
    if (this.#isClosed) throw new AgentError('CLOSED', 'The device manager ends.')
    return sessions.open(request, signal)
  }

  /** The live sessions, without a secret. */
  list(): readonly JsonObject[] {
    return this.#sessions?.list() ?? []
  }

  /** Ends one session, or `all`; returns how many. Throws `INVALID_ARGUMENT` when there is no such session. */
  end(id: string): number {
    if (this.#sessions !== undefined) return this.#sessions.end(id)
    if (id === 'all') return 0
    throw new AgentError('INVALID_ARGUMENT', `There is no session "${id.slice(0, 40)}"; open sessions: none.`)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#sessions?.close(closeTimeoutMs)
  }

  async #load(): Promise<RelaySessions> {
    const { client, config, clock, log } = this.#parts
    const [{ RelaySessions }, { SocketOpener }] = await Promise.all([
      import('./relay-sessions.ts'),
      import('../../connection/socket/socket-opener.ts'),
    ])
    // The proxy and the trust of the start hold: a new value of theirs needs a restart.
    const { connection } = config
    const opener = new SocketOpener({ proxy: connection.proxy, trust: trustSettings(connection), clock, log })
    const report = (text: string) => client.events.publish(text, { level: 'info' })
    this.#sessions = new RelaySessions({ settings: () => this.#settings(), opener, clock, log, report })
    return this.#sessions
  }

  #settings(): RelaySettings {
    const { client, config } = this.#parts
    const { remoteAccess, cloud } = config.connection
    const { allow, relayHosts, ...limits } = remoteAccess
    const closed = config.whyNoCommands
    const services = config.own.settings.remoteAccessSupport.map(service => {
      return closed === undefined || service.command === undefined ? service : { ...service, closed }
    })
    const cloudAddress = client.status().link?.cloudAddress
    const relay = { cloudHost: cloud.host, relayHosts, cloudAddress, ownAddresses: ownAddresses() }
    return { services, allow, limits, allowPlain: cloud.transport === 'mqtt', relay }
  }
}
