// SPDX-License-Identifier: Apache-2.0
import { systemClock } from '../base/clock.ts'
import { Emitter } from '../base/emitter.ts'
import { AgentError } from '../base/errors.ts'
import { Log, type LogLevel, logLevels } from '../base/log.ts'
import { throwIfAborted } from '../base/wait.ts'
import type { ActionReturn } from '../services/actions/outcome.ts'
import { ActionRegistry, type ActionRequest, type ActionContext as Context } from '../services/actions/registry.ts'
import { ActionRunner } from '../services/actions/runner.ts'
import { AlarmsService } from '../services/alarms.ts'
import { AttributesService } from '../services/attributes.ts'
import { DiagnosticsService } from '../services/diagnostics.ts'
import { EventsService } from '../services/events.ts'
import { LocationService } from '../services/location.ts'
import { TelemetryService } from '../services/telemetry.ts'
import { ThingService } from '../services/thing.ts'
import { ClientActions } from './actions.ts'
import type { ClientFacts, Cloud, CloudStatus } from './cloud.ts'
import { connect } from './connect.ts'
import { ClientFiles } from './files.ts'
import { type ConnectOptions, checkConnect, checkDisconnect, type DisconnectOptions } from './link-options.ts'
import { LogOutput } from './log-output.ts'
import { clientClosed, clientOpened } from './open-clients.ts'
import { openCloud } from './open-cloud.ts'
import { type CheckedOptions, type ClientOptions, checkedOptions } from './options.ts'
import { shutDown } from './shut-down.ts'

/** Events of a {@link Client} and the arguments of their listeners. The error of a listener that throws is logged and goes no further. */
export type ClientEvents = {
  /** The client is connected; also after each reconnect. */
  connected: []
  /** The connection ended; the client connects again by itself, unless the reason is `CLOSED`. */
  disconnected: [reason: AgentError]
  /** The cloud refused the login; the client tries again, less and less often. */
  rejected: [reason: AgentError]
  /** A failure that no call reports: a try to connect, or a sample that the cloud refused for good. */
  error: [error: AgentError]
}

/** What an {@link ActionHandler} can use while it runs. */
export interface ActionContext extends Context<Client> {}
/** Runs an action. The value that it returns or throws becomes the answer to the operator. */
export type ActionHandler = (request: ActionRequest, context: ActionContext) => ActionReturn | Promise<ActionReturn>

/** The state of a client. */
export interface ClientStatus extends Partial<CloudStatus> {
  readonly thingKey?: string
  /** The calls that run now. */
  readonly actions: readonly { readonly id: string; readonly name: string }[]
}

/**
 * The connection of one application to the cloud. The constructor does no I/O; the first use reads the configuration, and
 * {@link Client.connect} opens the link, which the client keeps up until {@link Client.disconnect}.
 */
export class Client {
  readonly telemetry: TelemetryService
  readonly attributes: AttributesService
  readonly alarms: AlarmsService
  readonly events: EventsService
  readonly location: LocationService
  readonly thing: ThingService
  readonly diagnostics: DiagnosticsService
  readonly actions: ClientActions<Client>
  readonly files: ClientFiles
  readonly #options: CheckedOptions
  readonly #log: Log
  readonly #logOutput: LogOutput
  readonly #emitter: Emitter<ClientEvents>
  readonly #runner: ActionRunner<Client>
  readonly #closing = new AbortController()
  #levelWasSet: boolean
  /** Whether the opening waits, or has waited, for another process. */
  #isQueueInUse = false
  #cloud: Cloud | undefined
  #opening: Promise<Cloud> | undefined
  #disconnecting: Promise<boolean> | undefined

  /**
   * @param appId names the application: the thing key is `<device id>-<appId>`, and the connection file `<appId>-connect.cfg`
   * @throws AgentError `INVALID_ARGUMENT` when an option is wrong
   */
  constructor(appId: string, options: ClientOptions = {}) {
    this.#options = checkedOptions(appId, options)
    const clock = systemClock
    const { logger } = this.#options
    this.#logOutput = new LogOutput(clock, logger)
    // The device manager passes the agent's own log, which has its level already.
    this.#log = logger instanceof Log ? logger : Log.create({ clock, sink: this.#logOutput.sink })
    this.#levelWasSet = logger instanceof Log
    this.#emitter = new Emitter((event, error) => this.#log.error('a listener failed', { event, error }))
    const registry = new ActionRegistry<Client>()
    this.#runner = new ActionRunner({ registry, owner: this, clock, log: this.#log.child('actions') })
    // Not async: one more promise for each sample would cost too much at 100,000 samples a second.
    const put: Cloud['put'] = (lane, item) => this.#cloud?.put(lane, item) ?? this.#open().then(c => c.put(lane, item))
    const ask: Cloud['ask'] = async (command, wait) => (await this.#open()).ask(command, wait)
    const outbox = { put }
    this.telemetry = new TelemetryService({ outbox, ask, clock })
    this.attributes = new AttributesService({ outbox, ask, clock })
    this.alarms = new AlarmsService({ outbox, clock })
    this.events = new EventsService({ outbox, clock })
    this.location = new LocationService({ outbox, clock })
    this.thing = new ThingService({ outbox })
    this.diagnostics = new DiagnosticsService({ ask, clock })
    this.actions = new ClientActions({
      registry,
      runner: this.#runner,
      clock,
      answerCall: async (id, outcome) => (await this.#open()).answerCall(id, outcome),
      updateCall: async (id, text) => (await this.#open()).updateCall(id, text),
      leftCalls: async () => (await this.#open()).leftCalls(),
    })
    this.files = new ClientFiles(async () => (await this.#open()).files())
  }

  /** Whether the client is connected to the cloud now. */
  get isConnected(): boolean {
    return this.#cloud?.isUp ?? false
  }

  /** Whether the connection is proven: the cloud has answered a request over it. */
  get isAlive(): boolean {
    return this.#cloud?.isAlive ?? false
  }

  /** Client id and user name of the login, `<device id>-<appId>`; undefined until the configuration has been read. */
  get thingKey(): string | undefined {
    return this.#cloud?.facts.thingKey
  }

  /**
   * Reads the configuration and the device id without connecting. {@link connect} calls it by itself.
   *
   * @throws AgentError `CONFIG_INVALID` (`details.problems` lists every mistake), `ALREADY_RUNNING` (see
   * {@link ClientOptions.queueLock}), `CLOSED`
   */
  async open(): Promise<ClientFacts> {
    return (await this.#open()).facts
  }

  /**
   * Connects, and resolves when the link is up. Another call waits again. When the wait ends earlier (`TIMEOUT`, `ABORTED`),
   * the client goes on trying in the background until {@link disconnect}; the last failure is the error's cause.
   *
   * @throws AgentError `TIMEOUT`, `ABORTED`, `CONFIG_INVALID`, `ALREADY_RUNNING` (see {@link ClientOptions.queueLock}),
   * `INVALID_ARGUMENT`, `CLOSED`
   */
  async connect(options: ConnectOptions = {}): Promise<void> {
    checkConnect(options)
    const { timeoutMs = 0, signal } = options
    throwIfAborted(signal)
    // A disconnect ends the wait; the listener is collected with the client.
    const either = signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal])
    const start = () => this.#start()
    const isQueueInUse = () => this.#isQueueInUse
    await connect({ start, isQueueInUse, clock: systemClock, timeoutMs, signal: either })
  }

  /**
   * Aborts running actions, sends what can still be sent, and closes the link; the client cannot be used again. Takes
   * `timeoutMs` at most. Another call returns the same promise.
   *
   * @returns whether everything that was published has been delivered
   * @throws AgentError `INVALID_ARGUMENT`: then nothing is closed
   */
  disconnect(options: DisconnectOptions = {}): Promise<boolean> {
    try {
      checkDisconnect(options)
    } catch (error) {
      return Promise.reject(error)
    }
    const { waitForReplies = false, timeoutMs = defaultDisconnectMs } = options
    this.#disconnecting ??= this.#disconnect(waitForReplies, timeoutMs)
    return this.#disconnecting
  }

  /**
   * Writes to flash what waits only in memory. For use before something that may end the process: the next process sends what
   * is written.
   *
   * @returns whether nothing would be lost if the process ended now: false with `queue.durability: memory` while samples wait,
   * and when the disk takes no data
   * @throws AgentError `CONFIG_INVALID`, `CLOSED`
   */
  async spill(): Promise<boolean> {
    return (await this.#open()).spill()
  }

  /** Adds a listener. The returned function removes it. */
  on<Name extends keyof ClientEvents>(event: Name, listener: (...args: ClientEvents[Name]) => unknown): () => void {
    return this.#emitter.on(event, listener)
  }

  /** Removes a listener. */
  off<Name extends keyof ClientEvents>(event: Name, listener: (...args: ClientEvents[Name]) => unknown): void {
    this.#emitter.off(event, listener)
  }

  /**
   * Sets how much is logged: `error`, `warn`, `info`, `debug` or `trace`. Takes precedence over `log_level` of the settings.
   *
   * @throws AgentError `INVALID_ARGUMENT`
   */
  setLogLevel(level: LogLevel): void {
    if (!logLevels.includes(level))
      throw new AgentError('INVALID_ARGUMENT', `The log level must be one of ${logLevels.join(', ')}.`)
    this.#levelWasSet = true
    this.#log.level = level
  }

  /** The state of the client: link, outbox, requests, mailbox and running actions. */
  status(): ClientStatus {
    const { thingKey } = this
    return {
      ...this.#cloud?.status(),
      ...(thingKey === undefined ? {} : { thingKey }),
      actions: this.#runner.running(),
    }
  }

  /** Reads the configuration once; after a failure the next use tries again. */
  #open(): Promise<Cloud> {
    if (this.#closing.signal.aborted) return Promise.reject(closedError())
    this.#opening ??= this.#openCloud().catch(error => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async #start(): Promise<Cloud> {
    const cloud = await this.#open()
    await cloud.start()
    return cloud
  }

  async #openCloud(): Promise<Cloud> {
    const cloud = await openCloud({
      options: this.#options,
      clock: systemClock,
      log: this.#log,
      logOutput: this.#logOutput,
      setLevel: level => {
        if (!this.#levelWasSet) this.#log.level = level
      },
      execute: (mail, reply) => this.#runner.run(mail, reply),
      listener: {
        up: () => this.#emitter.emit('connected'),
        down: reason => this.#emitter.emit('disconnected', reason),
        rejected: reason => this.#emitter.emit('rejected', reason),
        failed: error => this.#emitter.emit('error', error),
        queueInUse: () => {
          this.#isQueueInUse = true
        },
      },
      signal: this.#closing.signal,
    })
    this.#cloud = cloud
    clientOpened(this)
    return cloud
  }

  async #disconnect(waitForReplies: boolean, timeoutMs: number): Promise<boolean> {
    // At once: a call from here on, even before the caller's next await, must not open what is never closed.
    this.#closing.abort(closedError())
    // An opening that has begun is completed, so that its result can be closed.
    const cloud = await this.#opening?.catch(() => undefined)
    const delivered = await shutDown({ cloud, runner: this.#runner, clock: systemClock, waitForReplies, timeoutMs })
    clientClosed(this)
    await this.#logOutput.close()
    return delivered
  }
}

const defaultDisconnectMs = 10_000
const closedError = () => new AgentError('CLOSED', 'The client is closed.')
