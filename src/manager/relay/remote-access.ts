import type { Clock } from '../../base/clock.ts'
import { AgentError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import type { Log } from '../../base/log.ts'
import type { ManagerSettings, Settings } from '../../config/settings.ts'
import { trustSettings } from '../../connection/trust-settings.ts'
import { ownAddresses } from '../../platform/system/network-paths.ts'
import type { RelaySessions, RelaySettings } from './relay-sessions.ts'
import type { OpenRelay } from './remote-access-action.ts'

/** Remote access of the manager. Its code is loaded by the first session: most devices never have one. */
export class RemoteAccess {
  readonly #parts: {
    readonly connection: () => Settings
    readonly own: () => ManagerSettings
    readonly whyNoCommands: () => string | undefined
    readonly cloudAddress: () => string | undefined
    readonly clock: Clock
    readonly log: Log
    readonly report: (text: string) => Promise<unknown>
  }
  #loading: Promise<RelaySessions> | undefined
  #sessions: RelaySessions | undefined
  #isClosed = false

  constructor(parts: {
    readonly connection: () => Settings
    readonly own: () => ManagerSettings
    /** Why the commands of services do not run; undefined when they do. */
    readonly whyNoCommands: () => string | undefined
    /** The address at which the cloud was last reached. */
    readonly cloudAddress: () => string | undefined
    readonly clock: Clock
    readonly log: Log
    /** Tells the cloud of each start and end. */
    readonly report: (text: string) => Promise<unknown>
  }) {
    this.#parts = parts
  }

  readonly open: OpenRelay = async (request, signal) => {
    this.#loading ??= this.#load()
    const sessions = await this.#loading
    if (this.#isClosed) throw new AgentError('CLOSED', 'The device manager ends.')
    return sessions.open(request, signal)
  }

  /** The live sessions, without a secret. */
  list(): readonly JsonObject[] {
    return this.#sessions?.list() ?? []
  }

  /** Ends one session, or `all`; answers how many. Throws `INVALID_ARGUMENT` when there is no such session. */
  end(id: string): number {
    if (this.#sessions !== undefined) return this.#sessions.end(id)
    if (id === 'all') return 0
    throw new AgentError('INVALID_ARGUMENT', `no session "${id.slice(0, 40)}"; live are: none`)
  }

  async close(timeoutMs: number): Promise<void> {
    this.#isClosed = true
    await this.#sessions?.close(timeoutMs)
  }

  async #load(): Promise<RelaySessions> {
    const { connection, clock, log, report } = this.#parts
    const [{ RelaySessions }, { SocketOpener }] = await Promise.all([
      import('./relay-sessions.ts'),
      import('../../connection/socket-opener.ts'),
    ])
    // As all that needs a restart: the way out is the one of the start.
    const settings = connection()
    const opener = new SocketOpener({ proxy: settings.proxy, trust: trustSettings(settings), clock, log })
    this.#sessions = new RelaySessions({ settings: () => this.#settings(), opener, clock, log, report })
    return this.#sessions
  }

  #settings(): RelaySettings {
    const { remoteAccess, cloud } = this.#parts.connection()
    const { allow, relayHosts, ...limits } = remoteAccess
    const closed = this.#parts.whyNoCommands()
    const services = this.#parts.own().remoteAccessSupport.map(service => {
      return closed === undefined || service.command === undefined ? service : { ...service, closed }
    })
    const cloudAddress = this.#parts.cloudAddress()
    const relay = { cloudHost: cloud.host, relayHosts, cloudAddress, ownAddresses: ownAddresses() }
    return { services, allow, limits, allowPlain: cloud.transport === 'mqtt', relay }
  }
}
