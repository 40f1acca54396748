// SPDX-License-Identifier: Apache-2.0
import { WebSocketServer } from 'ws'
import { refuseUpgrade, type UpgradeRequest } from '../sockets/upgrade.ts'
import { newSecret } from '../values/ids.ts'
import { type RelayOrder, RelaySession } from './relay-session.ts'

const maxSessions = 100
const maxEnded = 100
const maxMessageBytes = 1024 * 1024

/** The relay sessions of this cloud. Each has a URL that admits one device, once. */
export class Relays {
  readonly #sessions = new Map<string, RelaySession>()
  readonly #server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
    // Chosen only when the client offers it [TR50 6.2].
    handleProtocols: offered => (offered.has('relay') ? 'relay' : false),
  })
  #base = ''
  #next = 1

  /** @param base the URL by which devices reach this cloud: `wss://HOST:PORT` */
  setBase(base: string): void {
    this.#base = base
  }

  /** A new session and the URL for its device; undefined when too many are open. */
  create(order: RelayOrder): { session: RelaySession; url: string } | undefined {
    const live = this.all().filter(({ ended }) => ended === undefined)
    if (live.length >= maxSessions) return undefined
    const secret = newSecret()
    const session = new RelaySession(String(this.#next++), order, () => this.#forgetOld())
    this.#sessions.set(secret, session)
    return { session, url: `${this.#base}/ws-relay/${secret}` }
  }

  all(): readonly RelaySession[] {
    return [...this.#sessions.values()]
  }

  /** Takes the upgrade of a device; the id in its path is the secret. */
  take({ request, id, socket, head }: UpgradeRequest): void {
    const session = this.#sessions.get(id)
    if (session === undefined || session.isTaken) refuseUpgrade(socket, session === undefined ? 404 : 409)
    else this.#server.handleUpgrade(request, socket, head, webSocket => session.attach(webSocket))
  }

  stop(): void {
    for (const session of this.all()) session.end('the local cloud stops')
  }

  #forgetOld(): void {
    const ended = [...this.#sessions].filter(([, session]) => session.ended !== undefined)
    for (const [secret] of ended.slice(0, Math.max(0, ended.length - maxEnded))) this.#sessions.delete(secret)
  }
}
