// SPDX-License-Identifier: Apache-2.0
import type { Clock, Timer } from '../base/clock.ts'
import { Emitter } from '../base/emitter.ts'
import { AgentError, asAgentError, messageOf } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { LinkEvents, LinkStatus } from './link-events.ts'
import type { MqttSession } from './mqtt/mqtt-session.ts'
import { openMqttTransport } from './mqtt/mqtt-transport.ts'
import {
  isDuplicateClient,
  nextReconnectState,
  type OnWire,
  type ReconnectInput,
  type ReconnectState,
  takeoverWithinMs,
} from './reconnect.ts'
import type { SocketOpener } from './socket/socket-opener.ts'
import { type Endpoint, hostAndPort } from './tcp/endpoint.ts'
import { discard } from './tcp/open-tcp.ts'
import { type NetworkLook, WaitWatch } from './wait-watch.ts'

export interface LinkOptions {
  readonly endpoint: Endpoint
  readonly thingKey: string
  readonly token: string
  readonly opener: SocketOpener
  readonly clock: Clock
  readonly log: Log
  /** MQTT keep-alive in seconds (default 60): a peer that vanished is noticed after at most 1.5 times that. */
  readonly keepaliveS?: number | undefined
  /** For name, proxy, TCP, TLS and WebSocket together, and again for the MQTT login (default 30 s). */
  readonly connectTimeoutMs?: number | undefined
  /** Lists the ways out of the device, so that a new address or route ends a wait. */
  readonly network?: NetworkLook | undefined
  /** What this device had on the wire when a session ended: that may be the reason. Default: nothing. */
  readonly onWire?: (() => OnWire) | undefined
}

const defaultConnectTimeoutMs = 30_000
const defaultCloseTimeoutMs = 2000

/** Keeps one MQTT session up, reconnecting for ever. The policy is in reconnect.ts, the session in mqtt-session.ts. */
export class Link {
  readonly #options: LinkOptions
  readonly #clock: Clock
  readonly #log: Log
  readonly #events: Emitter<LinkEvents>
  readonly #watch: WaitWatch
  #state: ReconnectState = { phase: 'stopped' }
  #session: MqttSession | undefined
  #opening: AbortController | undefined
  #retry: { readonly timer: Timer; readonly dueMs: number } | undefined
  #closing: Promise<void> | undefined
  #upSinceMs = 0
  #connectedAtMs = 0
  #downSinceMs: number | undefined
  /** If the cloud ends the current session as a takeover, the link counts as down since before that session. */
  #downBeforeMs: number | undefined
  #ups = 0
  #attempts = 0
  #oversized = 0
  #moves = 0
  #lastError: AgentError | undefined
  #isDuplicateReported = false

  constructor(options: LinkOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#log = options.log
    this.#log.hide(options.token)
    this.#events = new Emitter((event, error) =>
      this.#log.error('a listener failed', { event, error: messageOf(error) }),
    )
    const { clock, network } = options
    this.#watch = new WaitWatch({
      clock,
      network,
      onNetwork: () => this.#endWait({ kind: 'network' }, 'an address or a route appeared'),
      onClock: () => this.#endWait({ kind: 'clock' }, 'the clock was set'),
    })
  }

  /** Begins to connect; further calls do nothing. A closed link stays closed. */
  start(): void {
    if (this.#closing !== undefined || this.#state.phase !== 'stopped') return
    this.#downSinceMs = this.#clock.monotonicMs()
    this.#step({ kind: 'start' })
  }

  /** Ends the session with DISCONNECT, bounded by `timeoutMs` (default 2 s). The first call decides. */
  close(options: { timeoutMs?: number | undefined } = {}): Promise<void> {
    this.#closing ??= this.#close(options.timeoutMs ?? defaultCloseTimeoutMs)
    return this.#closing
  }

  on<Name extends keyof LinkEvents>(event: Name, listener: (...args: LinkEvents[Name]) => unknown): () => void {
    return this.#events.on(event, listener)
  }

  get isUp(): boolean {
    return this.#state.phase === 'up'
  }

  /**
   * Resolves when the cloud has acknowledged the packet (QoS 1), or the socket has taken it (QoS 0).
   *
   * @throws AgentError `NOT_CONNECTED`, `LINK_LOST`
   */
  publish(topic: string, payload: string | Uint8Array, qos: 0 | 1): Promise<void> {
    if (this.#session !== undefined && this.isUp) return this.#session.publish(topic, payload, qos)
    return Promise.reject(new AgentError('NOT_CONNECTED', `There is no connection to ${this.#place}.`))
  }

  /** Gives up a session that the caller found dead, and connects again. Does nothing without a session. */
  reconnect(reason: AgentError): void {
    if (this.isUp) this.#session?.destroy(reason)
  }

  /** Skips the current wait, for a caller who knows that the network is back. */
  tryNow(why: string): void {
    this.#endWait({ kind: 'try' }, why)
  }

  status(): LinkStatus {
    const { phase } = this.#state
    const cloudAddress = this.#options.opener.addressOf(this.#options.endpoint.host)
    return {
      state: phase,
      attempts: this.#attempts,
      reconnects: Math.max(0, this.#ups - 1),
      oversizedMessages: this.#oversized + (this.#session?.oversized ?? 0),
      moves: this.#moves + (this.#session?.received ?? 0),
      ...(this.#downSinceMs === undefined ? {} : { downSinceMonotonicMs: this.#downSinceMs }),
      ...(cloudAddress === undefined ? {} : { cloudAddress }),
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
      ...(this.#retry === undefined ? {} : { nextTryInMs: Math.max(0, this.#retry.dueMs - this.#clock.monotonicMs()) }),
      ...(this.#state.phase === 'waiting' ? { waitsAfter: this.#state.after } : {}),
      ...(phase === 'up' ? { connectedAtMs: this.#connectedAtMs } : {}),
    }
  }

  get #place(): string {
    return hostAndPort(this.#options.endpoint)
  }

  /** Feeds the state machine and carries out what its new state demands. */
  #step(input: ReconnectInput): void {
    const state = nextReconnectState(this.#state, input)
    if (state === this.#state) return
    this.#state = state
    this.#moves++
    this.#retry?.timer.cancel()
    this.#retry = undefined
    this.#watch.stop()
    if (state.phase === 'connecting') {
      this.#watch.remember()
      void this.#connect()
    }
    if (state.phase === 'waiting') {
      this.#watch.start(state.after === 'clock')
      const timer = this.#clock.timer(state.delayMs, () => this.#step({ kind: 'try' }))
      this.#retry = { timer, dueMs: this.#clock.monotonicMs() + state.delayMs }
    }
  }

  #endWait(input: ReconnectInput, why: string): void {
    const before = this.#state
    if (before.phase !== 'waiting' || nextReconnectState(before, input) === before) return
    this.#log.info('trying to connect at once', { why })
    this.#step(input)
  }

  async #connect(): Promise<void> {
    const opening = new AbortController()
    this.#opening = opening
    const { endpoint, thingKey, token, opener, clock, log, keepaliveS = 60 } = this.#options
    const connectTimeoutMs = this.#options.connectTimeoutMs ?? defaultConnectTimeoutMs
    try {
      const { signal } = opening
      const stream = await openMqttTransport(endpoint, { opener, clock, timeoutMs: connectTimeoutMs, signal })
      const { MqttSession } = await import('./mqtt/mqtt-session.ts')
      if (signal.aborted) return discard(stream)
      this.#session = new MqttSession(
        { stream, place: this.#place, thingKey, token, keepaliveS, connectTimeoutMs, clock, log },
        {
          up: () => this.#goUp(),
          message: (topic, payload) => this.#events.emit('message', topic, payload),
          piece: (topic, piece) => this.#events.emit('piece', topic, piece),
          ended: (error, byPeer) => this.#sessionEnded(error, byPeer),
        },
      )
    } catch (error) {
      if (!opening.signal.aborted) this.#failed(asAgentError(error))
    }
  }

  #goUp(): void {
    this.#upSinceMs = this.#clock.monotonicMs()
    this.#connectedAtMs = this.#clock.now()
    this.#downBeforeMs = this.#downSinceMs
    this.#downSinceMs = undefined
    this.#attempts = 0
    this.#ups++
    this.#step({ kind: 'connected' })
    this.#log.info('connected', { cloud: this.#place, transport: this.#options.endpoint.transport })
    this.#events.emit('up')
  }

  #sessionEnded(error: AgentError, byPeer: boolean): void {
    this.#oversized += this.#session?.oversized ?? 0
    this.#moves += this.#session?.received ?? 0
    this.#session = undefined
    if (this.#closing !== undefined) return
    if (!this.isUp) {
      this.#failed(error)
      return
    }
    const nowMs = this.#clock.monotonicMs()
    const upMs = nowMs - this.#upSinceMs
    const onWire = this.#options.onWire?.() ?? 'nothing'
    this.#step({ kind: 'ended', upMs, byPeer, onWire, random: this.#clock.random() })
    const takeovers = this.#takeovers
    if (takeovers < 2) this.#isDuplicateReported = false
    this.#downSinceMs = takeovers > 0 && upMs < takeoverWithinMs ? (this.#downBeforeMs ?? nowMs) : nowMs
    const reason =
      takeovers > 0
        ? new AgentError('SESSION_TAKEN_OVER', `${this.#place}: the cloud ended the session soon after the login`, {
            cause: error,
            ...(isDuplicateClient(takeovers, onWire) ? {} : { remedy: 'Nothing yet: the agent looks for the reason.' }),
          })
        : error
    this.#lastError = reason
    this.#log.warn('connection lost', { error: reason, ...this.#nextTry() })
    this.#events.emit('down', reason)
    if (this.#isDuplicateReported || !isDuplicateClient(takeovers, onWire)) return
    this.#isDuplicateReported = true
    this.#reportDuplicate(reason)
  }

  /** How many sessions in a row the cloud ended as a takeover, the last one included. */
  get #takeovers(): number {
    const state = this.#state
    return state.phase === 'waiting' && state.after === 'takeover' ? (state.failures.takeover ?? 0) : 0
  }

  #reportDuplicate(reason: AgentError): void {
    const { thingKey } = this.#options
    this.#log.error('a second device seems to use the same thing key', { thingKey, remedy: reason.remedy })
    this.#events.emit('duplicateClient', reason)
  }

  #failed(error: AgentError): void {
    this.#attempts++
    this.#lastError = error
    this.#step({ kind: 'failed', code: error.code, random: this.#clock.random() })
    this.#log.warn('cannot connect', {
      code: error.code,
      error: error.message,
      remedy: error.remedy,
      ...this.#nextTry(),
    })
    this.#events.emit(error.code === 'LOGIN_REFUSED' ? 'rejected' : 'failed', error)
  }

  #nextTry(): { nextTryInMs?: number } {
    return this.#state.phase === 'waiting' ? { nextTryInMs: Math.round(this.#state.delayMs) } : {}
  }

  async #close(timeoutMs: number): Promise<void> {
    const wasUp = this.isUp
    const closed = new AgentError('CLOSED', 'The link was closed.')
    // The session may still acknowledge messages that are under way, so it is closed before the state says "stopped".
    if (wasUp) await this.#session?.close(timeoutMs)
    this.#step({ kind: 'close' })
    this.#opening?.abort(closed)
    this.#session?.destroy(closed)
    this.#downSinceMs = undefined
    if (wasUp) this.#events.emit('down', closed)
  }
}
