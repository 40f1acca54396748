// SPDX-License-Identifier: Apache-2.0
import type { JsonObject } from '../base/json.ts'
import { once } from '../base/lifecycle.ts'
import type { Log } from '../base/log.ts'
import { waitFor } from '../base/wait.ts'
import { Client } from '../client/client.ts'
import type { Settings } from '../config/settings.ts'
import { Configuration } from './configuration/index.ts'
import type { ManagerOptions } from './manager-options.ts'
import { softLimitBytes } from './memory/index.ts'
import type { ManagerUpdates } from './ota/index.ts'
import { Rooms } from './rooms.ts'
import { statusReport } from './status-report.ts'
import { type ProgressSigns, progressSigns } from './watchdog/index.ts'

export type { EndReason, ManagerOptions } from './manager-options.ts'

/** How long the last answers and samples may take to get through when the manager ends. */
const closeTimeoutMs = 10_000

/** The device manager, from its start to its end: what the rooms of this folder do, in which order. */
export class Manager {
  readonly #options: ManagerOptions
  readonly #log: Log
  readonly #client: Client
  readonly #config: Configuration
  readonly #rooms: Rooms
  readonly #startedMs: number
  readonly #closing = new AbortController()

  private constructor(options: ManagerOptions, client: Client, config: Configuration, log: Log) {
    this.#options = options
    this.#log = log
    this.#client = client
    this.#config = config
    this.#startedMs = options.clock.monotonicMs()
    this.#rooms = new Rooms({ options, client, config, log, status: () => this.status() })
  }

  /**
   * A manager with its configuration read. Nothing is opened yet, least of all the queue, which another manager may use.
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
    return this.#rooms.runtime.path
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
   * Takes the runtime folder and the queue, registers the actions, begins to connect and opens the local socket. A cloud that
   * cannot be reached is no failure: the client continues to try.
   *
   * @throws AgentError `ALREADY_RUNNING`, `CONFIG_INVALID`; the runtime folder is free then
   */
  readonly start: () => Promise<void> = once(async () => {
    const { runtime, answers, facts, localApi } = this.#rooms
    const isUsable = await runtime.open()
    await this.#openClient()
    await this.#config.lookAtOwners()
    await this.#applySettings()
    const updates = await this.#openUpdates(isUsable)
    this.#rooms.registerActions()
    // Before the first call: one that comes again must find its answer.
    if (isUsable) await answers.give()
    if (isUsable) await updates.resume()
    this.#connect()
    if (isUsable) await localApi.open()
    await updates.answerLost()
    facts.publish()
    this.#reportLastProcess(isUsable)
    this.#log.info('device manager runs', { thingKey: this.#client.thingKey, runtimeDir: runtime.path })
  })

  /**
   * Reads the configuration again (SIGHUP): applies the settings that can change now, and logs the others. A broken one changes
   * nothing.
   */
  async reload(): Promise<void> {
    try {
      const keys = await this.#config.reload()
      await this.#applySettings()
      this.#rooms.facts.publish()
      if (keys.length === 0) this.#log.info('configuration reloaded')
      else this.#log.warn('configuration reloaded; some settings need a restart', { settings: keys.join(', ') })
    } catch (error) {
      this.#log.error('configuration not reloaded: it has mistakes, and the old one stays', { error })
    }
  }

  /**
   * Ends in good order, within seconds: takes nothing new, delivers the last answers and samples, frees the runtime folder.
   */
  readonly close: () => Promise<void> = once(async () => {
    this.#closing.abort()
    const { runtime, facts, memory, link, transfers, remote, localApi, decommissioning } = this.#rooms
    for (const room of [facts, memory, link, transfers]) room.stop()
    await remote.close()
    // Looked up only now: a start that is still under way may have opened them meanwhile.
    await this.#rooms.updates?.stop()
    await localApi.close()
    await decommissioning.beforeTheEnd()
    await this.#closeClient()
    await runtime.close()
    this.#log.info('device manager ended')
    await decommissioning.afterTheEnd(this.#client.thingKey)
  })

  /** What the manager is doing, for `device-cloud status`. Holds no secret. */
  status(): JsonObject {
    const { runtime, localApi, transfers, remote, updates, link, memory } = this.#rooms
    return statusReport(this.#options.clock, this.#client.status(), {
      startedMs: this.#startedMs,
      configDir: this.#options.configDir,
      runtimeDir: runtime.path,
      localConnections: localApi.connections,
      backgroundTransfers: transfers.running,
      relays: remote.list(),
      softwareUpdate: updates?.current,
      lastTrouble: link.lastTrouble,
      memory: memory.status(),
      ...this.#config.report(),
    })
  }

  /** What shows whether the manager makes progress; undefined when it ends. */
  signs(): ProgressSigns | undefined {
    return this.#closing.signal.aborted ? undefined : progressSigns(this.#client.status())
  }

  /** The state of the link in one line. */
  text(): string {
    return this.#rooms.link.text
  }

  async #openClient(): Promise<void> {
    try {
      await waitFor(this.#options.signal, (resolve, reject) => void this.#client.open().then(resolve, reject))
    } catch (error) {
      await this.#client.disconnect({ timeoutMs: 0 })
      await this.#rooms.runtime.close()
      throw error
    }
  }

  /** @param isUsable whether the runtime folder is: what an earlier process asked root for is known there */
  async #openUpdates(isUsable: boolean): Promise<ManagerUpdates> {
    await this.#rooms.openRootSide()
    if (isUsable)
      await this.#rooms.rootSide?.reportUndone(text => this.#client.events.publish(text, { level: 'error' }))
    return await this.#rooms.openUpdates()
  }

  #connect(): void {
    this.#rooms.link.start()
    // Rejects only when the manager ends: the client itself continues to try.
    this.#client.connect({ signal: this.#closing.signal }).catch(() => {})
  }

  /** What the cloud learns of the last process: why it ended, and the answers that it left. In the background. */
  #reportLastProcess(isUsable: boolean): void {
    const { memory, answers } = this.#rooms
    void memory.start(isUsable)
    void answers.settle(this.#closing.signal)
  }

  async #closeClient(): Promise<void> {
    // Without a link no reply can come.
    const waitForReplies = this.#client.isConnected
    const delivered = await this.#client.disconnect({ waitForReplies, timeoutMs: closeTimeoutMs })
    if (!delivered) this.#log.warn('the device manager ends with samples or answers that the cloud does not have')
  }

  /** Lets the configuration take effect, and reports what is wrong with it. */
  async #applySettings(): Promise<void> {
    const { logLevel, healthIntervalS, memorySoftLimitMb } = this.#config.own.settings
    this.#options.log.level = logLevel ?? this.#config.connection.logLevel
    const { facts, memory, transfers } = this.#rooms
    facts.reportHealth(healthIntervalS)
    memory.setLimit(softLimitBytes(memorySoftLimitMb))
    // First, so that an owner hears of mistakes even when a folder cannot be looked at.
    this.#config.announce()
    await transfers.load()
  }
}
