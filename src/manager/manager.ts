import { resolve } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { asAgentError, hasCode, messageOf } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { once } from '../base/lifecycle.ts'
import type { Log } from '../base/log.ts'
import { waitFor } from '../base/wait.ts'
import { Client } from '../client/client.ts'
import { findIdentity } from '../config/identity.ts'
import type { Settings } from '../config/settings.ts'
import type { PowerOptions } from '../platform/process/power.ts'
import { processEnvironment } from '../platform/process/process-facts.ts'
import { socketPlace } from '../platform/process/socket-place.ts'
import { readHealth } from '../platform/system/health.ts'
import { memoryOfMachine } from '../platform/system/own-memory.ts'
import { registerActions } from './actions/index.ts'
import { Configuration, type ManagerPlace } from './configuration/index.ts'
import { Decommissioning } from './decommission/index.ts'
import { HealthReporter, MachineFacts } from './device-facts/index.ts'
import { LinkHistory, LinkWatch, linkText } from './link/index.ts'
import { LocalSocketServer, localRequests } from './local-api/index.ts'
import { managedActions } from './managed-actions.ts'
import { type MemoryTimes, type MemoryWatch, memoryWatchOf, softLimitBytes } from './memory/index.ts'
import { ManagerUpdates } from './ota/index.ts'
import { PendingAnswers } from './pending-answers.ts'
import { RemoteAccess } from './relay/index.ts'
import { RootSide } from './root/index.ts'
import { RuntimeFolder } from './runtime-folder.ts'
import { statusReport } from './status-report.ts'
import { BackgroundWork, ownThings, Reach, type ReachFacts, type TransferSettings } from './transfers/index.ts'
import { type ProgressSigns, progressSigns } from './watchdog/index.ts'

/** Why a manager ends without being told to from outside. */
export type EndReason = 'quit' | 'restart' | 'preflight' | 'decommission' | 'no-link' | 'memory' | 'root'

export interface ManagerOptions extends ManagerPlace {
  readonly clock: Clock
  /** The agent's own log; its level follows the settings. */
  readonly log: Log
  /** Called when an action or `keep_alive` ends the manager. Whoever gets it calls {@link Manager.close}. */
  readonly onEnd: (reason: EndReason) => void
  /** Fires when the manager is to end: a start that waits for another process waits no longer. */
  readonly signal?: AbortSignal
  /** The last lines of the log, for `device-cloud diag`. */
  readonly recentLog?: () => string
  /** Called when {@link Manager.text} may have changed. */
  readonly onChange?: () => void
  /** Only tests have other ways to switch a machine off. */
  readonly powerOptions?: PowerOptions
  /** Only tests have less patience with memory. */
  readonly memoryTimes?: MemoryTimes
}

/** How long the last answers and samples may take to get through when the manager ends. */
const closeTimeoutMs = 10_000
const socketCloseMs = 1_000
const relayCloseMs = 1_000

/** The device manager: wires a client to the actions, the local socket and the facts of this machine. */
export class Manager {
  readonly #options: ManagerOptions
  readonly #log: Log
  readonly #client: Client
  readonly #background: BackgroundWork
  readonly #facts: MachineFacts
  readonly #health: HealthReporter
  readonly #history: LinkHistory
  readonly #runtime: RuntimeFolder
  readonly #socket: LocalSocketServer
  readonly #watch: LinkWatch
  readonly #remote: RemoteAccess
  readonly #reach: Reach
  readonly #decommissioning: Decommissioning
  readonly #memory: MemoryWatch
  readonly #config: Configuration
  readonly #startedMs: number
  readonly #closing = new AbortController()
  #updates: ManagerUpdates | undefined

  private constructor(options: ManagerOptions, client: Client, config: Configuration, log: Log) {
    const { clock, onEnd } = options
    this.#options = options
    this.#log = log
    this.#client = client
    this.#config = config
    this.#startedMs = clock.monotonicMs()
    this.#runtime = new RuntimeFolder({ path: config.own.settings.runtimeDir, log })
    this.#background = new BackgroundWork({ log, report: text => client.events.publish(text, { level: 'error' }) })
    this.#facts = new MachineFacts({ client, clock, log })
    this.#health = new HealthReporter({
      clock,
      log,
      read: () => readHealth(this.#runtime.path),
      publish: (name, value) => client.telemetry.publish(name, value),
    })
    this.#watch = new LinkWatch({ clock, keepAliveS: config.connection.keepAliveS, onExpired: () => onEnd('no-link') })
    this.#history = new LinkHistory({
      client,
      clock,
      log,
      onUp: () => {
        this.#watch.stop()
        options.onChange?.()
      },
      onDown: () => {
        if (!this.#closing.signal.aborted) this.#watch.down(client.status().link?.downSinceMonotonicMs)
        options.onChange?.()
      },
    })
    this.#decommissioning = new Decommissioning(options, log)
    this.#reach = new Reach({ facts: () => this.#reachFacts(), log })
    this.#remote = new RemoteAccess({
      connection: () => config.connection,
      own: () => config.own.settings,
      whyNoCommands: () => config.whyNoCommands,
      cloudAddress: () => client.status().link?.cloudAddress,
      clock,
      log: options.log.child('relay'),
      report: text => client.events.publish(text, { level: 'info' }),
    })
    this.#memory = memoryWatchOf({
      client,
      clock,
      log,
      note: this.#runtime.memoryNoteFile,
      otherWork: () => this.#background.running + this.#remote.list().length,
      isUpdating: () => this.#updates?.current !== undefined,
      restart: () => onEnd('memory'),
      times: options.memoryTimes,
    })
    this.#socket = new LocalSocketServer({
      place: socketPlace(this.#runtime.socketPath),
      handler: localRequests({
        client,
        status: async () => this.status(),
        log: options.recentLog ?? (() => ''),
        endRelays: async id => this.#remote.end(id),
      }),
      log,
    })
  }

  /**
   * A manager with its configuration read. Nothing is opened yet: the queue of another manager least of all.
   *
   * @throws AgentError `CONFIG_INVALID` with every mistake
   */
  static async open(options: ManagerOptions): Promise<Manager> {
    const { appId, configDir, configFile, settings } = options
    const client = new Client(appId, { configDir, configFile, settings, logger: options.log })
    const log = options.log.child('manager')
    const publish = (text: string, level: 'error' | 'info') => client.events.publish(text, { level })
    const config = await Configuration.read({ place: options, log, publish })
    return new Manager(options, client, config, log)
  }

  get runtimeDir(): string {
    return this.#runtime.path
  }

  /** The connection settings that hold since the start. */
  get connectionSettings(): Settings {
    return this.#config.connection
  }

  /** Where the log goes. */
  get logSettings(): Settings {
    return this.#config.logSettings
  }

  /**
   * Takes the runtime folder and the queue, registers the actions, begins to connect and opens the local socket. A cloud that cannot be
   * reached is no failure: the client goes on trying.
   *
   * @throws AgentError `ALREADY_RUNNING`, `CONFIG_INVALID`; the runtime folder is free then
   */
  readonly start: () => Promise<void> = once(async () => {
    const isUsable = await this.#runtime.open()
    try {
      await waitFor(this.#options.signal, (resolve, reject) => void this.#client.open().then(resolve, reject))
    } catch (error) {
      await this.#client.disconnect({ timeoutMs: 0 })
      await this.#runtime.close()
      throw error
    }
    await this.#config.lookAtOwners()
    this.#applySettings()
    this.#config.tell()
    await this.#reach.load()
    const rootSide = await this.#openRootSide()
    const notDone = isUsable ? await this.#notDoneByRoot(rootSide) : undefined
    const pending = new PendingAnswers({ file: this.#runtime.answerFile, log: this.#log })
    const updates = await this.#openUpdates(rootSide)
    this.#updates = updates
    this.#registerActions(updates, rootSide)
    // Before the first call: one that comes again must find its answer.
    const given = isUsable ? await this.#giveLeftAnswers(pending) : []
    if (isUsable) await updates.resume()
    this.#watch.down()
    // Ends only with the manager: the client itself goes on trying.
    this.#client.connect({ signal: this.#closing.signal }).catch(() => {})
    if (isUsable) await this.#openSocket()
    await updates.answerLost()
    if (notDone !== undefined) await this.#client.events.publish(notDone, { level: 'error' }).catch(() => {})
    this.#publishFacts()
    this.#memory.start(isUsable).catch(error => this.#log.error('restart for memory not told', { error }))
    pending
      .settle(given, this.#closing.signal)
      .catch(error => this.#log.error('answers of an earlier process not sent', { error }))
    this.#log.info('device manager runs', { thingKey: this.#client.thingKey, runtimeDir: this.#runtime.path })
  })

  /**
   * Reads the configuration again (SIGHUP): what can change in a running manager does, and what cannot is said. A broken
   * configuration changes nothing.
   */
  async reload(): Promise<void> {
    try {
      const keys = await this.#config.reload()
      this.#applySettings()
      await this.#reach.load()
      this.#config.tell()
      this.#publishFacts()
      if (keys.length === 0) this.#log.info('configuration reloaded')
      else this.#log.warn('configuration reloaded; some settings need a restart', { settings: keys.join(', ') })
    } catch (error) {
      this.#log.error('configuration not reloaded: it has mistakes, and the old one stays', { error })
    }
  }

  /** What the manager is doing, for `device-cloud status`. Holds no secret. */
  status(): JsonObject {
    return statusReport(this.#options.clock, this.#client.status(), {
      startedMs: this.#startedMs,
      configDir: this.#options.configDir,
      runtimeDir: this.#runtime.path,
      localConnections: this.#socket.connections,
      backgroundTransfers: this.#background.running,
      relays: this.#remote.list(),
      softwareUpdate: this.#updates?.current,
      lastTrouble: this.#history.lastTrouble,
      memory: this.#memory.status(),
      ...this.#config.report(),
    })
  }

  /** What shows whether the manager gets on; undefined when it ends. */
  signs(): ProgressSigns | undefined {
    return this.#closing.signal.aborted ? undefined : progressSigns(this.#client.status())
  }

  /** The state of the link in one line. */
  text(): string {
    return linkText(this.#config.connection.cloud, this.#client.status())
  }

  /**
   * Ends in good order: takes nothing new, lets the last answers and samples get through, closes the link, and gives the
   * runtime folder back. Takes some seconds at most.
   */
  readonly close: () => Promise<void> = once(async () => {
    this.#closing.abort()
    this.#health.stop()
    this.#memory.stop()
    this.#watch.stop()
    this.#background.stop()
    await this.#remote.close(relayCloseMs)
    await this.#updates?.stop()
    await this.#socket.close(this.#options.clock, socketCloseMs)
    const runtimeFolder = this.#config.whyRuntimeClosed === undefined ? this.#runtime.path : undefined
    await this.#decommissioning.beforeTheEnd(runtimeFolder, this.#config.file, this.#config.own.settings)
    // Without a link there is nobody to wait for.
    const waitForReplies = this.#client.isConnected
    const delivered = await this.#client.disconnect({ waitForReplies, timeoutMs: closeTimeoutMs })
    if (!delivered) this.#log.warn('the device manager ends with samples or answers that the cloud does not have')
    await this.#runtime.close()
    this.#log.info('device manager ended')
    await this.#decommissioning.afterTheEnd(this.#runtime.path, this.logSettings, this.#client.thingKey)
  })

  #openRootSide(): Promise<RootSide | undefined> {
    const { onEnd, powerOptions } = this.#options
    return RootSide.open({
      environment: processEnvironment(),
      runtimeDir: this.#runtime.path,
      end: () => onEnd('root'),
      log: this.#options.log.child('root'),
      ...(powerOptions === undefined ? {} : { powerOptions }),
    })
  }

  /** Why a reboot that an earlier process asked root for did not come. Never rejects. */
  async #notDoneByRoot(rootSide: RootSide | undefined): Promise<string | undefined> {
    try {
      const why = await rootSide?.settle()
      if (why !== undefined) this.#log.error('what root was asked for was not done', { why })
      return why
    } catch (error) {
      this.#log.error('what became of a request to root cannot be told', { error })
      return undefined
    }
  }

  #openUpdates(rootSide: RootSide | undefined): Promise<ManagerUpdates> {
    const { clock, onEnd, powerOptions = {} } = this.#options
    const runtimeDir = this.#runtime.path
    const rules = () => this.#config.connection.ota
    const { configDir } = this.#options
    const deviceId = async () => (await findIdentity({ configDir, appId: '' }))?.deviceId
    const handOver = () => onEnd('preflight')
    const isWeak = () => this.#config.isUpdateWeak
    const own = { client: this.#client, runtimeDir, rules, deviceId, isWeak, powerOptions, rootSide, handOver }
    return ManagerUpdates.open({ ...own, clock, log: this.#log })
  }

  #registerActions(updates: ManagerUpdates, rootSide: RootSide | undefined): void {
    const { clock, onEnd, powerOptions = {} } = this.#options
    const actions = managedActions({
      client: this.#client,
      clock,
      log: this.#log,
      runtime: this.#runtime,
      background: this.#background,
      transferSettings: () => this.#transferSettings(),
      reach: this.#reach,
      whyPathsClosed: () => this.#config.whyPathsClosed,
      whyRuntimeClosed: () => this.#config.whyRuntimeClosed,
      refreshRemoteAccess: () => this.#facts.publishServices(this.#config.offered),
      openRelay: this.#remote.open,
      softwareUpdate: updates.action,
      quit: () => onEnd('quit'),
      restart: () => onEnd('restart'),
      forget: () => {
        this.#decommissioning.order()
        onEnd('decommission')
      },
      powerOptions,
      rootSide,
    })
    const isEnabled = (name: string) => this.#config.isEnabled(name)
    const whyClosed = (name: string) => this.#config.whyClosed(name)
    registerActions({ actions, taker: this.#client.actions, isEnabled, whyClosed, log: this.#log })
  }

  #transferSettings(): TransferSettings {
    const { waitForFileTransfer, downloadTimeoutS, uploadRemoveOnSuccess, uploadTarFile } = this.#config.own.settings
    const { downloadFolder, uploadFolder } = this.#runtime
    return { waitForFileTransfer, downloadTimeoutS, uploadRemoveOnSuccess, uploadTarFile, downloadFolder, uploadFolder }
  }

  #reachFacts(): ReachFacts {
    const { configDir, configFile } = this.#options
    const { uploadFolder, downloadFolder, path: runtimeFolder } = this.#runtime
    const connectionFile = resolve(configDir, configFile)
    const own = ownThings({ configDir, connectionFile, runtimeFolder, settings: this.#config.connection })
    return { own, uploadFolder, downloadFolder, allow: this.#config.allowedPaths }
  }

  #applySettings(): void {
    const { logLevel, healthIntervalS, memorySoftLimitMb } = this.#config.own.settings
    this.#options.log.level = logLevel ?? this.#config.connection.logLevel
    this.#health.start(healthIntervalS)
    this.#memory.setLimit(softLimitBytes(memorySoftLimitMb, memoryOfMachine()))
  }

  #publishFacts(): void {
    this.#facts.publish(this.#config.offered).catch(error => {
      if (!hasCode(error, 'CLOSED')) this.#log.warn('facts of the machine not published', { why: messageOf(error) })
    })
  }

  async #giveLeftAnswers(pending: PendingAnswers) {
    try {
      const { actions } = this.#client
      return await pending.give(await pending.load(), (id, status) => actions.acknowledge(id, { status, message: '' }))
    } catch (error) {
      this.#log.error('message_ids cannot be read; its answers are not sent', { error })
      return []
    }
  }

  async #openSocket(): Promise<void> {
    try {
      await this.#socket.start()
    } catch (error) {
      const path = this.#runtime.socketPath
      const remedy = asAgentError(error).remedy
      this.#log.error('local socket not opened: "device-cloud status" and the like do not reach this manager', {
        path,
        error,
        remedy,
      })
    }
  }
}
