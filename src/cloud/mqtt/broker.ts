import { Aedes, type AuthenticateError, type Client, type PublishPacket } from 'aedes'
import { login } from '../access/login.ts'
import { numberOf } from '../faults/faults.ts'
import type { Commands } from '../requests/command.ts'
import { maxRequestBytes } from '../requests/envelope.ts'
import type { Session } from '../store/sessions.ts'
import type { State } from '../store/state.ts'
import type { ConnectionRecord } from '../traffic/connections.ts'
import type { JsonObject } from '../values/json.ts'
import { Requests } from './requests.ts'
import { Wire } from './wire.ts'

/** Where a subscription goes that is to hear nothing, and a publish that nobody is to hear: two different places. */
const nowhere = { heard: '$nowhere/heard', said: '$nowhere/said' }
const maxClients = 20_000

/** The MQTT side: logins, sessions, what comes in and what goes out. */
export class Broker {
  readonly #state: State
  readonly #requests: Requests
  readonly #sessions = new WeakMap<Client, Session>()
  readonly #wires = new Set<Wire>()
  #aedes: Aedes | undefined
  #hasListeners = false

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
        const isHeard = this.#mayHear(client, topic)
        this.#hasListeners ||= isHeard
        this.#state.transcript.event(idOf(client), 'subscribe', { text: topic })
        // Replies and notifications come without a subscription; one is granted and changes nothing [TR50 1.3].
        done(null, isHeard ? subscription : { ...subscription, topic: nowhere.heard })
      },
    })
    aedes.on('client', client => this.#opened(client))
    aedes.on('clientReady', client => this.#ready(client))
    aedes.on('clientDisconnect', client => this.#closed(client))
    aedes.on('connackSent', (packet, client) => {
      if (packet.returnCode === 0) this.#kick(client)
    })
    aedes.on('clientError', (client, error) =>
      this.#state.transcript.event(idOf(client), 'error', { text: error.message }),
    )
    aedes.on('connectionError', (client, error) =>
      this.#state.transcript.event(idOf(client), 'error', { text: error.message }),
    )
    this.#aedes = aedes
    this.#state.onChange(
      (topic, payload) =>
        aedes.publish({ cmd: 'publish', topic, payload, qos: 1, dup: false, retain: false }, () => {}),
      () => this.#hasListeners,
    )
  }

  /** Takes a connection over. */
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

  /** Does something to every connection that matches. */
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

  /** Ends what was frozen. */
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
    const state = this.#state
    const wire = client.conn
    if (!(wire instanceof Wire)) {
      done(null, false)
      return
    }
    const { record } = wire
    record.clientId = client.id
    const about = { thingKey: username, transport: record.transport }
    const note = (text: string) => state.transcript.event(record.id, 'login', { thingKey: username, text })
    if (state.faults.take('noConnack', about)) {
      note('not answered')
      return
    }
    const refusal = state.faults.take('refuseLogin', about)
    if (refusal !== undefined) {
      const code = numberOf(refusal, 'code', 5)
      note(`refused by a fault with ${code}`)
      // The broker knows no code 1; CONNACK is four bytes [MQTT 3.2].
      wire.end(Buffer.from([0x20, 2, 0, code]))
      return
    }
    const answer = login(state, { clientId: client.id, username, password: password?.toString('utf8') ?? '' })
    if (!answer.ok) {
      note(`refused with ${answer.code}: ${answer.why}`)
      done(Object.assign(new Error(answer.why), { returnCode: answer.code }), false)
      return
    }
    note('accepted')
    this.#sessions.set(client, {
      id: state.sessions.newId(),
      transport: record.transport,
      connection: record.id,
      remoteAddress: record.remoteAddress,
      ...answer.who,
      clientId: client.id,
      bound: new Set(),
      orgId: state.org.id,
      push: (topic, payload, qos) => this.#push(client, topic, payload, qos),
      close: () => void wire.destroy(),
    })
    done(null, true)
  }

  #opened(client: Client): void {
    const session = this.#sessions.get(client)
    if (session === undefined) return
    this.#state.sessions.addMqtt(session)
    if (session.thing === undefined) return
    session.thing.connected = true
    session.thing.lastSeen = new Date().toISOString()
  }

  /** Mail that waited is announced at connect [TR50 4.4]. */
  #ready(client: Client): void {
    const session = this.#sessions.get(client)
    if (session?.thing === undefined) return
    const { mailbox, faults } = this.#state
    const about = { thingKey: session.thing.key, transport: session.transport }
    if (!mailbox.hasNew([session.thing.key]) || faults.take('dropNotifyAtConnect', about)) return
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
      const about = { thingKey: key, transport: session.transport }
      if (this.#state.faults.takeWhere('redeliverMail', about, fault => fault.when !== 'check'))
        this.#state.mailbox.offerAgain(key)
    }
  }

  #kick(client: Client): void {
    const session = this.#sessions.get(client)
    const about = { thingKey: session?.thing?.key, transport: session?.transport }
    const fault = this.#state.faults.take('kickAfterConnack', about)
    if (fault !== undefined) setTimeout(() => client.conn.end(() => client.conn.destroy()), numberOf(fault, 'ms', 0))
  }

  /** Everything that a client publishes comes through here, before the broker acknowledges it. */
  #receive(client: Client | null, packet: PublishPacket, done: (error?: Error | null) => void): void {
    const session = client === null ? undefined : this.#sessions.get(client)
    const wire = client?.conn
    // A will comes when its client is gone; this protocol has none [TR50 1.2].
    if (client === null || session === undefined || client.closed || !(wire instanceof Wire)) {
      done(new Error('not a session'))
      return
    }
    const { topic, qos, messageId } = packet
    if (qos === 2) {
      done(new Error('QoS 2 is not supported'))
      return
    }
    wire.record.messagesIn++
    this.#state.connections.totals.messagesIn++
    // Nothing of a request goes to other clients.
    packet.topic = nowhere.said
    packet.retain = false
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
    const take = () => this.#requests.take({ topic, payload, qos, dup: packet.dup, session })
    const about = { thingKey: session.thing?.key, transport: session.transport }
    const delay = this.#state.faults.take('delayPuback', about)
    const isSilent = qos === 1 && this.#state.faults.take('noPuback', about) !== undefined
    // As QoS 0 the broker sends no PUBACK; with a delay it is written here: four bytes [MQTT 3.4].
    if (isSilent || delay !== undefined) packet.qos = 0
    done(null)
    if (delay === undefined) {
      take()
      return
    }
    setTimeout(
      () => {
        if (wire.destroyed) return
        if (qos === 1 && !isSilent && messageId !== undefined)
          wire.write(Buffer.from([0x40, 2, messageId >> 8, messageId & 0xff]))
        take()
      },
      numberOf(delay, 'ms', 5),
    )
  }

  /** Devices hear what changes in their own thing, users in all of them. */
  #mayHear(client: Client, topic: string): boolean {
    const session = this.#sessions.get(client)
    if (!topic.startsWith('thing/')) return false
    return session?.user !== undefined || topic.startsWith(`thing/${session?.thing?.key}/`)
  }

  #push(client: Client, topic: string, payload: string | Uint8Array, qos: 0 | 1): void {
    const session = this.#sessions.get(client)
    const { transcript, connections } = this.#state
    const text = typeof payload === 'string' ? payload : undefined
    const isGone = client.closed || !(client.connecting || client.connected)
    transcript.add({
      kind: 'mqtt',
      direction: 'out',
      connection: session?.connection ?? '',
      topic: isGone ? `(not sent, connection gone) ${topic}` : topic,
      qos,
      bytes: Buffer.byteLength(payload),
      ...(text === undefined ? {} : { text }),
      ...(session?.thing === undefined ? {} : { thingKey: session.thing.key }),
    })
    if (isGone) return
    connections.totals.messagesOut++
    if (client.conn instanceof Wire) client.conn.record.messagesOut++
    const bytes = typeof payload === 'string' ? payload : Buffer.from(payload)
    client.publish({ cmd: 'publish', topic, payload: bytes, qos, dup: false, retain: false }, () => {})
  }
}

function idOf(client: Client): string {
  return client.conn instanceof Wire ? client.conn.record.id : ''
}
