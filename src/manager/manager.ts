import { resolve } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { once } from '../base/lifecycle.ts'
import type { Log } from '../base/log.ts'
import { Client } from '../client/client.ts'
import { type Closure, closureOf } from '../config/closure.ts'
import { findIdentity } from '../config/identity.ts'
import type { ClientConfig } from '../config/load.ts'
import { logSettingsOf } from '../config/ownership.ts'
import { findPolicyRisks } from '../config/policy.ts'
import type { ConfigNote, Settings } from '../config/settings.ts'
import { readHealth } from '../platform/health.ts'
import { memoryOfMachine } from '../platform/own-memory.ts'
import type { PowerOptions } from '../platform/power.ts'
import { processEnvironment } from '../platform/process-facts.ts'
import { socketPlace } from '../platform/socket-place.ts'
import type { TransferSettings } from './actions/file-download.ts'
import { registerActions } from './actions/register-actions.ts'
import { BackgroundWork } from './background-work.ts'
import { ClosedCapabilities } from './closed-capabilities.ts'
import { Decommissioning } from './decommissioning.ts'
import { HealthReporter } from './health-reporter.ts'
import { LinkHistory } from './link-history.ts'
import { linkText } from './link-text.ts'
import { LinkWatch } from './link-watch.ts'
import { localRequests } from './local-socket/requests.ts'
import { LocalSocketServer } from './local-socket/server.ts'
import { MachineFacts } from './machine-facts.ts'
import { managedActions } from './managed-actions.ts'
import {
  loadConnectionConfig,
  loadOwnConfig,
  logNotes,
  type ManagerPlace,
  needsRestart,
  type OwnConfig,
  warningList,
} from './manager-config.ts'
import { memoryWatchOf } from './memory/manager-memory.ts'
import type { MemoryTimes, MemoryWatch } from './memory/memory-watch.ts'
import { softLimitBytes } from './memory/soft-limit.ts'
import { ManagerUpdates } from './ota/manager-updates.ts'
import { ownershipClosures } from './ownership.ts'
import { PendingAnswers } from './pending-answers.ts'
import { type ProgressSigns, progressSigns } from './progress.ts'
import { ownThings } from './reach/own-things.ts'
import { Reach, type ReachFacts } from './reach/reach.ts'
import { RemoteAccess } from './remote-access.ts'
import { RootSide } from './root/root-side.ts'
import { RuntimeFolder } from './runtime-folder.ts'
import { statusReport } from './status-report.ts'

/** Why a manager ends without being told to from outside. */
export type EndReason = 'quit' | 'restart' | 'probation' | 'decommission' | 'no-link' | 'memory' | 'root'

export interface ManagerOptions extends ManagerPlace {
  readonly clock: Clock
  /** The agent's own log; its level follows the settings. */
  readonly log: Log
  /** Called when an action or `keep_alive` ends the manager. Whoever gets it calls {@link Manager.close}. */
  readonly onEnd: (reason: EndReason) => void
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
  readonly #closed: ClosedCapabilities
  /** What mistakes in the settings close. */
  #configClosures: readonly Closure[] = []
  /** The connection file as it was read. */
  #deciding: ClientConfig
  /** What is closed because another user could have written it. */
  #ownership: readonly Closure[] = []
  readonly #startedMs: number
  readonly #closing = new AbortController()
  #own: OwnConfig
  #connection: Settings
  #warnings: readonly ConfigNote[] = []
  #updates: ManagerUpdates | undefined

  private constructor(options: ManagerOptions, client: Client, own: OwnConfig, config: ClientConfig) {
    const connection = config.settings
    const { clock, onEnd } = options
    const log = options.log.child('manager')
    this.#options = options
    this.#log = log
    this.#client = client
    this.#own = own
    this.#connection = connection
    this.#startedMs = clock.monotonicMs()
    this.#closed = new ClosedCapabilities({ log, publish: (text, level) => client.events.publish(text, { level }) })
    this.#deciding = config
    this.#takePolicies(config, own)
    this.#runtime = new RuntimeFolder({ path: own.settings.runtimeDir, log })
    this.#background = new BackgroundWork({ log, report: text => client.events.publish(text, { level: 'error' }) })
    this.#facts = new MachineFacts({ client, clock, log })
    this.#health = new HealthReporter({
      clock,
      log,
      read: () => readHealth(this.#runtime.path),
      publish: (name, value) => client.telemetry.publish(name, value),
    })
    this.#watch = new LinkWatch({ clock, keepAliveS: connection.keepAliveS, onExpired: () => onEnd('no-link') })
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
      connection: () => this.#connection,
      own: () => this.#own.settings,
      whyNoCommands: () => this.#closed.why('service_commands'),
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
   * A manager with its configuration read. Nothing is opened yet.
   *
   * @throws AgentError `CONFIG_INVALID` with every mistake
   */
  static async open(options: ManagerOptions): Promise<Manager> {
    const { appId, configDir, configFile, settings, log } = options
    const client = new Client(appId, { configDir, configFile, settings, logger: log })
    const [own, connection] = await Promise.all([loadOwnConfig(options), loadConnectionConfig(options), client.open()])
    const manager = new Manager(options, client, own, connection)
    await manager.#lookAtOwners()
    return manager
  }

  get runtimeDir(): string {
    return this.#runtime.path
  }

  /** The connection settings that hold since the start. */
  get connectionSettings(): Settings {
    return this.#connection
  }

  /** Where the log goes. */
  get logSettings(): Settings {
    const config = { settings: this.#connection, origins: this.#deciding.origins }
    return logSettingsOf(config, closureOf(this.#ownership, 'absolute_paths') !== undefined)
  }

  /**
   * Takes the runtime folder, registers the actions, begins to connect and opens the local socket. A cloud that cannot be
   * reached is no failure: the client goes on trying.
   *
   * @throws AgentError `ALREADY_RUNNING`
   */
  readonly start: () => Promise<void> = once(async () => {
    const isUsable = await this.#runtime.open()
    await this.#lookAtOwners()
    this.#applySettings()
    logNotes(this.#log, this.#warnings)
    this.#closed.tell()
    const { logFile } = this.#connection
    if (logFile !== undefined && this.logSettings.logFile === undefined)
      this.#log.error('log_file is not written: absolute paths are closed', { logFile })
    await this.#reach.load()
    const rootSide = await this.#openRootSide()
    const notDone = isUsable ? await this.#notDoneByRoot(rootSide) : undefined
    const pending = new PendingAnswers({ file: this.#runtime.answerFile, log: this.#log })
    const updates = await this.#openUpdates(rootSide)
    this.#updates = updates
    this.#registerActions(updates, rootSide)
    // Before the first mail: a call that comes again must find its answer.
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
      const own = await loadOwnConfig(this.#options)
      const config = await loadConnectionConfig(this.#options)
      const connection = config.settings
      const before = { connection: this.#connection, own: this.#own.settings }
      const keys = needsRestart(before, { connection, own: own.settings })
      // What is fixed keeps its first value, so that the next reload still tells what waits for a restart.
      const { logLevel, remoteAccess, ota } = connection
      const fileTransfer = { ...this.#connection.fileTransfer, allow: connection.fileTransfer.allow }
      this.#connection = { ...this.#connection, logLevel, fileTransfer, remoteAccess, ota }
      this.#own = { ...own, settings: { ...own.settings, runtimeDir: this.#own.settings.runtimeDir } }
      this.#takePolicies(config, own)
      await this.#lookAtOwners()
      this.#applySettings()
      await this.#reach.load()
      logNotes(this.#log, this.#warnings)
      this.#closed.tell()
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
      closed: this.#closed.list(),
      warnings: warningList(this.#warnings),
    })
  }

  /** What shows whether the manager gets on; undefined when it ends. */
  signs(): ProgressSigns | undefined {
    return this.#closing.signal.aborted ? undefined : progressSigns(this.#client.status())
  }

  /** The state of the link in one line. */
  text(): string {
    return linkText(this.#connection.cloud, this.#client.status())
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
    const connection = { settings: this.#connection, origins: this.#deciding.origins }
    await this.#decommissioning.beforeTheEnd(this.#runtime.path, connection, this.#own.settings)
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
    const rules = () => this.#connection.ota
    const { configDir } = this.#options
    const deviceId = async () => (await findIdentity({ configDir, appId: '' }))?.deviceId
    const handOver = () => onEnd('probation')
    const isWeak = () => closureOf(this.#ownership, 'ota') !== undefined
    const own = { client: this.#client, runtimeDir, rules, deviceId, isWeak, powerOptions, rootSide, handOver }
    return ManagerUpdates.open({ ...own, clock, log: this.#log })
  }

  /** Who could have written what decides here. After each reading, and with the runtime folder made. */
  async #lookAtOwners(): Promise<void> {
    const { configDir } = this.#options
    const runtimeDir = this.#runtime.path
    this.#ownership = await ownershipClosures({ configDir, connection: this.#deciding, own: this.#own, runtimeDir })
    this.#closed.set([...this.#configClosures, ...this.#ownership])
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
      whyPathsClosed: () => this.#closed.why('absolute_paths'),
      refreshRemoteAccess: () => this.#facts.publishServices(this.#offered()),
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
    const isEnabled = (name: string) => this.#isEnabled(name)
    const whyClosed = (name: string) => this.#closed.whyClosed(name)
    registerActions({ actions, taker: this.#client.actions, isEnabled, whyClosed, log: this.#log })
  }

  /** What is published of the own settings: a service whose command does not run is not offered. */
  #offered(): OwnConfig {
    if (!this.#closed.isClosed('service_commands')) return this.#own
    const { settings } = this.#own
    const remoteAccessSupport = settings.remoteAccessSupport.filter(({ command }) => command === undefined)
    return { ...this.#own, settings: { ...settings, remoteAccessSupport } }
  }

  /** A switch that iot.cfg does not know is one that nobody has switched off. */
  #isEnabled(name: string): boolean {
    const { actionsEnabled } = this.#own.settings
    return Object.hasOwn(actionsEnabled, name) ? actionsEnabled[name] !== false : true
  }

  #transferSettings(): TransferSettings {
    const { waitForFileTransfer, downloadTimeoutS, uploadRemoveOnSuccess, uploadTarFile } = this.#own.settings
    const { downloadFolder, uploadFolder } = this.#runtime
    return { waitForFileTransfer, downloadTimeoutS, uploadRemoveOnSuccess, uploadTarFile, downloadFolder, uploadFolder }
  }

  #reachFacts(): ReachFacts {
    const { configDir, configFile } = this.#options
    const { uploadFolder, downloadFolder, path: runtimeFolder } = this.#runtime
    const connectionFile = resolve(configDir, configFile)
    const own = ownThings({ configDir, connectionFile, runtimeFolder, settings: this.#connection })
    const allow = this.#closed.isClosed('absolute_paths') ? [] : this.#connection.fileTransfer.allow
    return { own, uploadFolder, downloadFolder, allow }
  }

  /** Closes and opens what the configuration says, and keeps what is to be said about it. */
  #takePolicies(config: ClientConfig, own: OwnConfig): void {
    this.#deciding = config
    this.#configClosures = [...config.closures, ...own.closures]
    this.#warnings = [...config.warnings, ...own.warnings, ...findPolicyRisks(config, own.settings)]
  }

  #applySettings(): void {
    const { logLevel, healthIntervalS, memorySoftLimitMb } = this.#own.settings
    this.#options.log.level = logLevel ?? this.#connection.logLevel
    this.#health.start(healthIntervalS)
    this.#memory.setLimit(softLimitBytes(memorySoftLimitMb, memoryOfMachine()))
  }

  #publishFacts(): void {
    this.#facts
      .publish(this.#offered())
      .catch(error => this.#log.warn('facts of the machine not published', { why: messageOf(error) }))
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
      const remedy = 'Commands such as "device-cloud status" cannot reach this manager.'
      this.#log.error('local socket not opened', { path: this.#runtime.socketPath, error, remedy })
    }
  }
}
