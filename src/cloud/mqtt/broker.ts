// SPDX-License-Identifier: Apache-2.0
import { Aedes, type AuthenticateError, type Client, type PublishPacket } from 'aedes'
import { numberOf } from '../faults/faults.ts'
import type { Commands } from '../requests/command.ts'
import { maxRequestBytes } from '../requests/envelope.ts'
import type { Session } from '../store/sessions.ts'
import type { State } from '../store/state.ts'
import type { ConnectionRecord } from '../traffic/connections.ts'
import type { JsonObject } from '../values/json.ts'
import { decideLogin } from './login-decision.ts'
import { pushTo } from './push.ts'
import { Requests } from './requests.ts'
import { Wire } from './wire.ts'

/** The topics of subscriptions that must receive nothing, and of publishes that no client may receive. They differ. */
const nowhere = { subscribed: '$nowhere/subscribed', published: '$nowhere/published' }
const maxClients = 20_000

/** The MQTT broker: logins and sessions, requests of clients, and messages to them. */
export class Broker {
  readonly #state: State
  readonly #requests: Requests
  readonly #sessions = new WeakMap<Client, Session>()
  readonly #wires = new Set<Wire>()
  #aedes: Aedes | undefined
  /** Whether a client has ever subscribed to changes. */
  #hasSubscribers = false

  constructor(state: State, commands: Commands) {
    this.#state = state
    this.#requests = new Requests(state, commands)
  }

  async start(): Promise<void> {
    const aedes = await Aedes.createBroker({
      // Client ids of old 3.1 clients are thing keys too [TR50 1.2].
      maxClientsIdLength: 256,
      queueLimit: 1000,
      authenticate: (client, username, password, done) => this.#authenticate(client, username, password, done),
      authorizePublish: (client, packet, done) => this.#receive(client, packet, done),
      authorizeSubscribe: (client, subscription, done) => {
        const { topic } = subscription
        const isAllowed = this.#maySubscribe(client, topic)
        this.#hasSubscribers ||= isAllowed
        this.#state.transcript.event(idOf(client), 'subscribe', { text: topic })
        // Clients get replies and notifications without a subscription; one is granted and has no effect [TR50 1.3].
        done(null, isAllowed ? subscription : { ...subscription, topic: nowhere.subscribed })
      },
    })
    aedes.on('client', client => this.#opened(client))
    aedes.on('clientReady', client => this.#ready(client))
    aedes.on('clientDisconnect', client => this.#closed(client))
    aedes.on('connackSent', (packet, client) => {
      if (packet.returnCode === 0) this.#closeByFault(client)
    })
    const noteError = (client: Client, error: Error) =>
      this.#state.transcript.event(idOf(client), 'error', { text: error.message })
    aedes.on('clientError', noteError)
    aedes.on('connectionError', noteError)
    this.#aedes = aedes
    this.#state.onChange((topic, payload) => {
      if (!this.#hasSubscribers) return
      aedes.publish({ cmd: 'publish', topic, payload: payload(), qos: 1, dup: false, retain: false }, () => {})
    })
  }

  /** Serves a new connection. */
  handle(wire: Wire): void {
    if (this.#aedes === undefined || this.#wires.size >= maxClients) {
      wire.destroy()
      return
    }
    this.#wires.add(wire)
    wire.once('close', () => {
      if (!wire.isFrozen) this.#forget(wire)
    })
    this.#aedes.handle(wire)
  }

  #forget(wire: Wire): void {
    this.#wires.delete(wire)
    this.#state.connections.close(wire.record)
  }

  /** Whether a connection may send a packet of so many bytes. */
  takesPacket({ clientId, transport }: ConnectionRecord, bytes: number): boolean {
    const circumstances = { thingKey: clientId, transport }
    const limit = this.#state.faults.peek('payloadLimit', circumstances)
    if (bytes <= numberOf(limit, 'bytes', maxRequestBytes)) return true
    this.#state.faults.take('payloadLimit', circumstances)
    return false
  }

  /** Calls `act` for every connection that matches the filters of a fault. */
  #each(params: JsonObject, act: (wire: Wire) => void): void {
    for (const wire of [...this.#wires]) {
      const { transport, clientId } = wire.record
      if (typeof params.transport === 'string' && params.transport !== transport) continue
      if (typeof params.thingKey === 'string' && params.thingKey !== clientId) continue
      act(wire)
    }
  }

  closeAll(params: JsonObject): void {
    this.#each(params, wire => {
      wire.cut(params.reset === true)
      this.#forget(wire)
    })
  }

  freezeAll(params: JsonObject): void {
    this.#each(params, wire => wire.freeze())
  }

  /** Closes the frozen connections. */
  thaw(): void {
    for (const wire of [...this.#wires]) {
      if (!wire.isFrozen) continue
      wire.cut(false)
      this.#forget(wire)
    }
  }

  async stop(): Promise<void> {
    for (const wire of [...this.#wires]) wire.cut(false)
    await new Promise<void>(resolve => (this.#aedes === undefined ? resolve() : this.#aedes.close(resolve)))
  }

  #authenticate(
    client: Client,
    username: string | undefined,
    password: Buffer | undefined,
    done: (error: AuthenticateError | null, success: boolean | null) => void,
  ): void {
    const wire = client.conn
    if (!(wire instanceof Wire)) {
      done(null, false)
      return
    }
    wire.record.clientId = client.id
    const credentials = { clientId: client.id, username, password: password?.toString('utf8') ?? '' }
    const decision = decideLogin(this.#state, wire.record, credentials)
    switch (decision.kind) {
      case 'accepted':
        this.#sessions.set(client, this.#newSession(client, wire, decision.who))
        done(null, true)
        return
      case 'refused':
        done(Object.assign(new Error(decision.reason), { returnCode: decision.code }), false)
        return
      case 'refused-by-fault':
        // Aedes does not accept code 1, so CONNACK is written here: four bytes [MQTT 3.2].
        wire.end(Buffer.from([0x20, 2, 0, decision.code]))
        return
      case 'unanswered':
    }
  }

  #newSession(client: Client, wire: Wire, who: Pick<Session, 'user' | 'app' | 'thing'>): Session {
    const { id, transport, remoteAddress } = wire.record
    const session: Session = {
      id: this.#state.sessions.newId(),
      transport,
      connection: id,
      remoteAddress,
      ...who,
      clientId: client.id,
      bound: new Set(),
      orgId: this.#state.org.id,
      push: (topic, payload, qos) => pushTo(client, session, this.#state, { topic, payload, qos }),
      close: () => void wire.destroy(),
    }
    return session
  }

  #opened(client: Client): void {
    const session = this.#sessions.get(client)
    if (session === undefined) return
    this.#state.sessions.addMqtt(session)
    if (session.thing === undefined) return
    session.thing.connected = true
    session.thing.lastSeen = new Date().toISOString()
  }

  /** Notifies a device at connect that messages wait in its mailbox [TR50 4.4]. */
  #ready(client: Client): void {
    const session = this.#sessions.get(client)
    if (session?.thing === undefined) return
    const { mailbox, faults } = this.#state
    const circumstances = { thingKey: session.thing.key, transport: session.transport }
    if (!mailbox.hasNew([session.thing.key]) || faults.take('dropNotifyAtConnect', circumstances)) return
    this.#state.notify(session.thing.key)
  }

  #closed(client: Client): void {
    const session = this.#sessions.get(client)
    if (session === undefined) return
    this.#state.sessions.removeMqtt(session)
    this.#state.transcript.event(session.connection, 'closed', { thingKey: session.thing?.key })
    const keys = [...(session.thing === undefined ? [] : [session.thing.key]), ...session.bound]
    for (const key of keys) {
      const thing = this.#state.things.byKey(key)
      if (thing !== undefined) thing.connected = this.#state.sessions.ofThing(key).length > 0
      const circumstances = { thingKey: key, transport: session.transport }
      if (this.#state.faults.take('redeliverMail', circumstances, fault => fault.when !== 'check'))
        this.#state.mailbox.offerAgain(key)
    }
  }

  /** Closes the connection after CONNACK when a fault requires it. */
  #closeByFault(client: Client): void {
    const session = this.#sessions.get(client)
    const circumstances = { thingKey: session?.thing?.key, transport: session?.transport }
    const fault = this.#state.faults.take('kickAfterConnack', circumstances)
    const wire = client.conn
    if (fault === undefined || !(wire instanceof Wire)) return
    const ms = numberOf(fault, 'ms', 0)
    if (ms === 0) wire.finish()
    else setTimeout(() => wire.finish(), ms)
  }

  /** Is called for every message of a client, before the broker acknowledges it. */
  #receive(client: Client | null, packet: PublishPacket, done: (error?: Error | null) => void): void {
    const session = client === null ? undefined : this.#sessions.get(client)
    const wire = client?.conn
    // A will arrives after its client has left; this protocol has none [TR50 1.2].
    if (client === null || session === undefined || client.closed || !(wire instanceof Wire)) {
      done(new Error('The client has no session.'))
      return
    }
    const { topic, qos, messageId } = packet
    if (qos === 2) {
      done(new Error('QoS 2 is not supported.'))
      return
    }
    wire.record.messagesIn++
    this.#state.connections.totals.messagesIn++
    // Other clients must not receive requests.
    packet.topic = nowhere.published
    packet.retain = false
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
    const take = () => this.#requests.take({ topic, payload, qos, dup: packet.dup, session })
    const circumstances = { thingKey: session.thing?.key, transport: session.transport }
    const delay = this.#state.faults.take('delayPuback', circumstances)
    const isSilent = qos === 1 && this.#state.faults.take('noPuback', circumstances) !== undefined
    // The broker sends no PUBACK for QoS 0.
    if (isSilent || delay !== undefined) packet.qos = 0
    done(null)
    if (delay === undefined) {
      take()
      return
    }
    setTimeout(
      () => {
        if (wire.destroyed) return
        if (qos === 1 && !isSilent && messageId !== undefined) wire.write(pubackOf(messageId))
        take()
      },
      numberOf(delay, 'ms', 5),
    )
  }

  /** A device may subscribe to changes of its own thing, a user to those of all things. */
  #maySubscribe(client: Client, topic: string): boolean {
    const session = this.#sessions.get(client)
    if (!topic.startsWith('thing/')) return false
    return session?.user !== undefined || topic.startsWith(`thing/${session?.thing?.key}/`)
  }
}

/** Four bytes [MQTT 3.4]. */
function pubackOf(messageId: number): Buffer {
  return Buffer.from([0x40, 2, messageId >> 8, messageId & 0xff])
}

/** The id of the connection, for the transcript. */
function idOf(client: Client): string {
  return client.conn instanceof Wire ? client.conn.record.id : ''
}
