// SPDX-License-Identifier: Apache-2.0
import type { Transport } from '../traffic/connections.ts'
import { CommandFailure, codes } from '../values/failure.ts'
import { newSecret } from '../values/ids.ts'
import type { CloudRecord } from './records.ts'
import type { Thing } from './things.ts'

/** A login: of a user (an operator), or of an application for its thing [TR50 1.2] [TR50 3.10]. */
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
  /** When an HTTP session expires; undefined over MQTT, where it ends with its connection. */
  expiresMs?: number
  orgId: string
  /** Sends to the client; undefined over HTTP. */
  push?(topic: string, payload: string | Uint8Array, qos: 0 | 1): void
  /** Ends the connection; undefined over HTTP. */
  close?(): void
}

/** Seconds that an HTTP session is valid [TR50 9]. */
export const sessionTtlS = 86_400
const maxHttpSessions = 10_000

/** The open sessions of MQTT and of HTTP; the id of the latter is secret. */
export class Sessions {
  readonly #mqtt = new Map<string, Session>()
  readonly #http = new Map<string, Session>()

  newId(): string {
    return newSecret()
  }

  addMqtt(session: Session): void {
    this.#mqtt.set(session.id, session)
  }

  removeMqtt(session: Session): void {
    this.#mqtt.delete(session.id)
  }

  addHttp(session: Session): void {
    if (this.#http.size >= maxHttpSessions) this.#expire()
    if (this.#http.size >= maxHttpSessions)
      throw new CommandFailure(codes.tooLarge, `There are at most ${maxHttpSessions} sessions.`)
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

  /** The MQTT sessions that act for a thing: its own, and those of gateways that bound it. */
  ofThing(key: string): readonly Session[] {
    return this.mqtt().filter(session => session.thing?.key === key || session.bound.has(key))
  }

  mqtt(): readonly Session[] {
    return [...this.#mqtt.values()]
  }

  all(): readonly Session[] {
    return [...this.#mqtt.values(), ...this.#http.values()]
  }
}
