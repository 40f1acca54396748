import type { Transport } from '../traffic/connections.ts'
import { CommandFailure, codes } from '../values/failure.ts'
import { newSecret } from '../values/ids.ts'
import type { CloudRecord } from './records.ts'
import type { Thing } from './things.ts'

/** Who speaks: a user (an operator) or an application for its thing [TR50 1.2] [TR50 3.10]. */
export interface Session {
  readonly id: string
  readonly transport: Transport
  readonly connection: string
  readonly remoteAddress: string
  readonly user?: CloudRecord
  readonly app?: CloudRecord
  readonly thing?: Thing
  /** Keys of the things that this connection also acts for [TR50 thing.bind]. */
  readonly bound: Set<string>
  readonly clientId?: string
  /** When it ends by itself; undefined: with its connection. */
  expiresMs?: number
  orgId: string
  /** Sends to the client; undefined over HTTP. */
  push?(topic: string, payload: string | Uint8Array, qos: 0 | 1): void
  /** Ends the connection; undefined over HTTP. */
  close?(): void
}

/** Seconds that an HTTP session lives [TR50 9]. */
export const sessionTtlS = 86_400
const maxHttpSessions = 10_000

/** The sessions that are open: MQTT ones by thing, HTTP ones by their secret id. */
export class Sessions {
  readonly #byId = new Map<string, Session>()
  readonly #http = new Map<string, Session>()

  newId(): string {
    return newSecret()
  }

  addMqtt(session: Session): void {
    this.#byId.set(session.id, session)
  }

  removeMqtt(session: Session): void {
    this.#byId.delete(session.id)
  }

  addHttp(session: Session): void {
    if (this.#http.size >= maxHttpSessions) this.#expire()
    if (this.#http.size >= maxHttpSessions)
      throw new CommandFailure(codes.tooLarge, `at most ${maxHttpSessions} sessions`)
    session.expiresMs = Date.now() + sessionTtlS * 1000
    this.#http.set(session.id, session)
  }

  #expire(): void {
    for (const [id, session] of this.#http) if ((session.expiresMs ?? 0) < Date.now()) this.#http.delete(id)
  }

  byHttpId(id: string): Session | undefined {
    const session = this.#http.get(id)
    if (session === undefined || (session.expiresMs ?? 0) >= Date.now()) return session
    this.#http.delete(id)
    return undefined
  }

  /** The MQTT sessions that act for a thing: its own and its gateway's. */
  ofThing(key: string): readonly Session[] {
    return this.mqtt().filter(session => session.thing?.key === key || session.bound.has(key))
  }

  mqtt(): readonly Session[] {
    return [...this.#byId.values()]
  }

  all(): readonly Session[] {
    return [...this.#byId.values(), ...this.#http.values()]
  }
}
