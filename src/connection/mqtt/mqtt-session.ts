// SPDX-License-Identifier: Apache-2.0
import type { Duplex } from 'node:stream'
import mqttClient from 'mqtt/lib/client'
import type { Clock, Timer } from '../../base/clock.ts'
import { AgentError, errnoOf, messageOf, retold, withoutStop } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { PacketBudget } from '../socket/packet-budget.ts'
import { reasonOf } from '../tcp/failure.ts'
import { isTlsError } from '../tls/tls-alert.ts'
import { endOfTls } from '../tls/tls-end.ts'
import { clockIntervals } from './clock-intervals.ts'
import { connackFailure } from './connack.ts'
import { MqttStream } from './mqtt-stream.ts'
import { maxIncomingPacketBytes } from './packet-filter.ts'

/**
 * Most packets that wait for their PUBACK. The table of requests is far smaller, so a cloud that lets it come to this answers
 * requests and acknowledges nothing: without a bound each packet would stay in memory for ever.
 */
export const maxUnacknowledged = 1024

export interface MqttSessionOptions {
  /** An open connection to the MQTT service; the session owns it from now on. */
  readonly stream: Duplex
  /** `host:port`, for messages. */
  readonly place: string
  /** Client id and user name: the cloud locks a thing to its client id [TR50 1.2]. */
  readonly thingKey: string
  readonly token: string
  readonly keepaliveS: number
  /** From CONNECT to CONNACK. */
  readonly connectTimeoutMs: number
  readonly maxIncomingBytes?: number | undefined
  readonly clock: Clock
  readonly log: Log
}

/** Callbacks to the owner of a session: `up` at most once, `ended` exactly once and last. None of them may throw. */
export interface MqttSessionEvents {
  up(): void
  message(topic: string, payload: Uint8Array): void
  /** A part of the content of a message that is too large; the message follows without content. */
  piece(topic: string, piece: Uint8Array): void
  /** `byPeer`: the other side or the network ended it, not a keep-alive timeout and not this program. */
  ended(error: AgentError, byPeer: boolean): void
}

/** The message of the MQTT client's error when its pings are not answered. */
const keepaliveTimeout = 'Keepalive timeout'

type State = 'connecting' | 'up' | 'closing' | 'ended'

/** One MQTT 3.1.1 session over one connection: clean, without reconnect and without stores [TR50 1.2]. */
export class MqttSession {
  readonly #client: InstanceType<typeof mqttClient.default>
  readonly #stream: MqttStream
  readonly #budget: PacketBudget
  readonly #options: MqttSessionOptions
  readonly #events: MqttSessionEvents
  readonly #waiting = new Set<(error: AgentError) => void>()
  readonly #connackTimer: Timer
  #state: State = 'connecting'
  /** Messages that came together with CONNACK, kept until the owner knows that the session is up. */
  #early: { topic: string; payload: Uint8Array }[] = []
  #earlyBytes = 0
  #oversized = 0
  #closing: Promise<void> | undefined

  constructor(options: MqttSessionOptions, events: MqttSessionEvents) {
    const { clock, log, thingKey, token, keepaliveS, place } = options
    this.#options = options
    this.#events = events
    const onOversized = (topic: string, bytes: number) => this.#countOversized(topic, bytes)
    this.#budget = new PacketBudget(clock)
    this.#stream = new MqttStream(options.stream, {
      onOversized,
      onPacket: bytes => this.#budget.received(bytes),
      onPiece: (topic, piece) => {
        if (this.#state === 'up') this.#events.piece(topic, piece)
      },
      maxIncomingBytes: options.maxIncomingBytes,
    })
    this.#connackTimer = clock.timer(options.connectTimeoutMs, () =>
      this.#end(
        new AgentError('TIMEOUT', `${place}: no answer to the MQTT login within ${options.connectTimeoutMs} ms`, {
          remedy: 'Check cloud.port and cloud.transport: another service may answer there.',
        }),
      ),
    )
    this.#client = new mqttClient.default(() => this.#stream, {
      manualConnect: true,
      protocolVersion: 4,
      clientId: thingKey,
      username: thingKey,
      password: token,
      clean: true,
      reconnectPeriod: 0,
      resubscribe: false,
      keepalive: keepaliveS,
      timerVariant: clockIntervals(clock),
      // The deadline above counts. This one, on Node's own timer, is cleared with the connection.
      connectTimeout: 2 ** 31 - 1,
      // Off before the first packet: a table of all 65,536 numbers costs 15 MB and half of the start.
      writeCache: false,
      queueQoSZero: false,
      log: () => {},
    })
    this.#listen(log)
    this.#client.connect()
  }

  /** Messages above the limit, whose content was dropped. */
  get oversized(): number {
    return this.#oversized
  }

  /** How often something arrived, answers to pings included. */
  get received(): number {
    return this.#stream.received
  }

  #listen(log: Log): void {
    this.#client.on('connect', () => this.#goUp())
    this.#client.on('message', (topic, payload) => this.#deliver(topic, payload))
    this.#client.on('error', error => {
      log.debug('the MQTT client reports an error', { error: messageOf(error) })
      this.#end(this.#explain(error), messageOf(error) !== keepaliveTimeout)
    })
    this.#client.on('close', () => this.#end(this.#closedByPeer(), true))
    // An AgentError is this side's verdict on what the cloud sent: the cloud did not end the session, so it is no takeover.
    this.#stream.on('error', error => this.#end(this.#explain(error), !(error instanceof AgentError)))
    this.#stream.on('close', () => this.#end(this.#closedByPeer(), true))
  }

  #goUp(): void {
    if (this.#state !== 'connecting') return
    this.#state = 'up'
    this.#connackTimer.cancel()
    this.#events.up()
    const early = this.#early
    this.#early = []
    for (const { topic, payload } of early) this.#deliver(topic, payload)
  }

  #deliver(topic: string, payload: Uint8Array): void {
    if (this.#state === 'connecting') this.#keepEarly(topic, payload)
    else if (this.#state !== 'ended') this.#events.message(topic, payload)
  }

  #keepEarly(topic: string, payload: Uint8Array): void {
    this.#early.push({ topic, payload })
    this.#earlyBytes += topic.length + payload.byteLength
    // CONNACK comes first [MQTT-3.2.0-1]: a server that sends this much without it does not speak MQTT.
    if (this.#earlyBytes > maxIncomingPacketBytes)
      this.#end(
        new AgentError(
          'PROTOCOL_VIOLATION',
          `${this.#options.place}: the cloud sends messages instead of an answer to the MQTT login`,
        ),
        true,
      )
  }

  /**
   * Resolves when the cloud has acknowledged the packet (QoS 1), or the socket has taken it (QoS 0).
   *
   * @throws AgentError `NOT_CONNECTED`, `LINK_LOST`
   */
  publish(topic: string, payload: string | Uint8Array, qos: 0 | 1): Promise<void> {
    const { place } = this.#options
    if (this.#state !== 'up')
      return Promise.reject(new AgentError('NOT_CONNECTED', `${place}: the MQTT session is not up`))
    return new Promise((resolve, reject) => {
      // Registered before it is sent: the acknowledgement may arrive before this function returns.
      this.#waiting.add(reject)
      this.#budget.sent()
      const bytes = typeof payload === 'string' ? payload : asBuffer(payload)
      if (this.#waiting.size > maxUnacknowledged) return this.#end(this.#nothingAcknowledged())
      this.#client.publish(topic, bytes, { qos }, error => {
        this.#waiting.delete(reject)
        if (error === undefined || error === null) resolve()
        else reject(new AgentError('LINK_LOST', `${place}: ${messageOf(error)}`, { cause: error }))
      })
    })
  }

  /** Sends DISCONNECT after everything that is under way, and waits until the connection is closed, `timeoutMs` at most. */
  close(timeoutMs: number): Promise<void> {
    this.#closing ??= this.#close(timeoutMs)
    return this.#closing
  }

  async #close(timeoutMs: number): Promise<void> {
    const closed = new AgentError('CLOSED', `${this.#options.place}: the MQTT session was closed`)
    if (this.#state !== 'up') return this.#end(closed)
    this.#state = 'closing'
    await new Promise<void>(resolve => {
      const timer = this.#options.clock.timer(timeoutMs, resolve)
      this.#stream.once('close', () => {
        timer.cancel()
        resolve()
      })
      this.#client.end(false)
    })
    this.#end(closed)
  }

  /** Ends the session at once, for the caller's reason. */
  destroy(reason: AgentError): void {
    this.#end(reason)
  }

  #end(error: AgentError, byPeer = false): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#connackTimer.cancel()
    this.#early = []
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    const lost = new AgentError('LINK_LOST', `The connection ended before the answer: ${withoutStop(error.message)}.`, {
      cause: error,
    })
    for (const reject of waiting) reject(lost)
    this.#client.end(true)
    this.#stream.destroy()
    this.#events.ended(error, byPeer)
  }

  #nothingAcknowledged(): AgentError {
    const { place } = this.#options
    return new AgentError('PROTOCOL_VIOLATION', `${place}: the cloud has not acknowledged ${maxUnacknowledged} packets`)
  }

  #closedByPeer(): AgentError {
    const { place } = this.#options
    if (this.#state === 'closing') return new AgentError('CLOSED', `${place}: the MQTT session was closed`)
    return this.#state === 'connecting'
      ? (endOfTls(place, this.#options.stream) ??
          new AgentError('TCP_FAILED', `${place}: the connection was closed instead of an answer to the MQTT login`, {
            remedy: 'Check that cloud.port is the MQTT port of the cloud, and look into the log of the cloud.',
          }))
      : new AgentError('LINK_LOST', `${place}: the connection was closed by the other side`)
  }

  #explain(error: unknown): AgentError {
    const { place, keepaliveS } = this.#options
    if (error instanceof AgentError) return retold(error, `${place}: ${error.message}`)
    const text = messageOf(error)
    if (this.#state === 'connecting') {
      const refused = connackFailure(place, error)
      if (refused !== undefined) return refused
      const ended = isNetworkError(error) ? endOfTls(place, this.#options.stream, error) : undefined
      if (ended !== undefined) return ended
    }
    if (text === keepaliveTimeout)
      return new AgentError('LINK_LOST', `${place}: no answer to MQTT pings for ${keepaliveS * 1.5} s`, {
        cause: error,
      })
    if (isNetworkError(error)) {
      const code = this.#state === 'connecting' ? 'TCP_FAILED' : 'LINK_LOST'
      return new AgentError(code, `${place}: the connection broke: ${reasonOf(error)}`, { cause: error })
    }
    return new AgentError('PROTOCOL_VIOLATION', `${place}: the cloud does not speak MQTT 3.1.1: ${text}`, {
      remedy: 'Check cloud.port and cloud.transport: another service may answer there.',
      cause: error,
    })
  }

  #countOversized(topic: string, bytes: number): void {
    this.#oversized++
    this.#options.log.limited(
      'oversized message',
      'warn',
      'a message of the cloud is too large to be taken in one piece',
      {
        topic,
        bytes,
      },
    )
  }
}

/** Whether an error comes from the connection and not from the protocol. */
function isNetworkError(error: unknown): boolean {
  return errnoOf(error) !== undefined || isTlsError(error)
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
