// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'
import type { JsonObject } from '../../base/json.ts'
import type { Log } from '../../base/log.ts'
import { waitingForRestart, withoutRestart } from '../../config/assemble.ts'
import { type Closure, closureOf } from '../../config/closure.ts'
import type { ClientConfig } from '../../config/load.ts'
import { logNotes } from '../../config/log-notes.ts'
import { logSettingsOf } from '../../config/ownership.ts'
import { findPolicyRisks } from '../../config/policy.ts'
import type { ConfigNote, Settings } from '../../config/settings.ts'
import { isBelow } from '../../platform/files/contained-path.ts'
import { ClosedCapabilities } from './closed-capabilities.ts'
import {
  loadConnectionConfig,
  loadOwnConfig,
  type ManagerPlace,
  type OwnConfig,
  warningList,
} from './manager-config.ts'
import { ownershipClosures } from './ownership.ts'

export interface ConfigurationParts {
  readonly place: ManagerPlace
  readonly log: Log
  /** Publishes an event of the thing. */
  readonly publish: (text: string, level: 'error' | 'info') => Promise<unknown>
}

/** The configuration that is in effect in this manager: the settings, and what is closed by mistakes or because of weak ownership. */
export class Configuration {
  readonly #parts: ConfigurationParts
  readonly #closed: ClosedCapabilities
  /** The connection file as it was read last. */
  #file: ClientConfig
  #connection: Settings
  #own: OwnConfig
  /** What is closed because another user could have written it. */
  #ownership: readonly Closure[] = []

  private constructor(parts: ConfigurationParts, file: ClientConfig, own: OwnConfig) {
    this.#parts = parts
    this.#closed = new ClosedCapabilities(parts)
    this.#file = file
    this.#connection = file.settings
    this.#own = own
  }

  /** Throws `CONFIG_INVALID` with every mistake that ends the start. */
  static async read(parts: ConfigurationParts): Promise<Configuration> {
    const { place } = parts
    const [file, own] = await Promise.all([loadConnectionConfig(place), loadOwnConfig(place)])
    const configuration = new Configuration(parts, file, own)
    await configuration.lookAtOwners()
    return configuration
  }

  /**
   * Reads the files again, and takes the settings that can change in a running manager.
   *
   * @returns the settings whose new value waits for a restart
   * @throws AgentError `CONFIG_INVALID`; then nothing has changed
   */
  async reload(): Promise<readonly string[]> {
    const { place } = this.#parts
    const own = await loadOwnConfig(place)
    const file = await loadConnectionConfig(place)
    const waiting = [
      ...waitingForRestart('connect', this.#connection, file.settings),
      ...waitingForRestart('iot', this.#own.settings, own.settings),
    ]
    // What waits keeps its first value, so that the next reload still names it.
    this.#connection = withoutRestart('connect', this.#connection, file.settings)
    this.#own = { ...own, settings: withoutRestart('iot', this.#own.settings, own.settings) }
    this.#file = file
    await this.lookAtOwners()
    return waiting
  }

  /** Finds out which users could have written the configuration: after each reading, and when the runtime folder has been made. */
  async lookAtOwners(): Promise<void> {
    const { configDir } = this.#parts.place
    const { runtimeDir } = this.#own.settings
    this.#ownership = await ownershipClosures({ configDir, connection: this.#file, own: this.#own, runtimeDir })
    this.#closed.set([...this.#file.closures, ...this.#own.closures, ...this.#ownership])
  }

  get connection(): Settings {
    return this.#connection
  }

  /** The connection file as it was read last, with the origin of each setting. */
  get file(): ClientConfig {
    return this.#file
  }

  get own(): OwnConfig {
    return this.#own
  }

  /** The settings as far as they are published: a service with a command that may not run is left out. */
  get offered(): OwnConfig {
    if (!this.#closed.isClosed('service_commands')) return this.#own
    const { settings } = this.#own
    const remoteAccessSupport = settings.remoteAccessSupport.filter(({ command }) => command === undefined)
    return { ...this.#own, settings: { ...settings, remoteAccessSupport } }
  }

  /** Where the log goes. */
  get logSettings(): Settings {
    const isWeak = closureOf(this.#ownership, 'absolute_paths') !== undefined
    return logSettingsOf({ settings: this.#connection, origins: this.#file.origins }, isWeak)
  }

  /** The folders (or files) that actions may name by absolute path. */
  get allowedPaths(): readonly string[] {
    return this.whyPathsClosed === undefined ? this.#connection.fileTransfer.allow : []
  }

  get whyPathsClosed(): string | undefined {
    return this.#closed.why('absolute_paths')
  }

  /** A `runtime_dir` outside the configuration folder is a path that another user may have named, where one can change the configuration. */
  get whyRuntimeClosed(): string | undefined {
    const { configDir } = this.#parts.place
    const isInside = isBelow(resolve(configDir), this.#own.settings.runtimeDir)
    if (isInside || closureOf(this.#ownership, 'absolute_paths') === undefined) return undefined
    return `runtime_dir leads out of ${configDir}, and paths that are named there are ${this.whyPathsClosed ?? ''}`
  }

  /** Why the programs that iot.cfg names may not run; undefined when they may. */
  get whyNoCommands(): string | undefined {
    return this.#closed.why('service_commands')
  }

  /** Whether another user could have written an unfinished update, or the settings that decide about it. */
  get isUpdateWeak(): boolean {
    return closureOf(this.#ownership, 'ota') !== undefined
  }

  /** A switch of `actions_enabled` that iot.cfg does not have is on. */
  isEnabled(name: string): boolean {
    const { actionsEnabled } = this.#own.settings
    return Object.hasOwn(actionsEnabled, name) ? actionsEnabled[name] !== false : true
  }

  /** The answer to a call of an action with this switch, which does not run; undefined when nothing has closed it. */
  whyClosed(switchName: string): string | undefined {
    return this.#closed.whyClosed(switchName)
  }

  /** Logs the warnings, and what is closed; publishes an event when the latter has changed. */
  announce(): void {
    const { log } = this.#parts
    logNotes(log, this.#warnings)
    this.#closed.report()
    const { logFile } = this.#connection
    if (logFile !== undefined && this.logSettings.logFile === undefined)
      log.error('log_file is not written: absolute paths are closed', { logFile })
  }

  /** For `status`. */
  report(): { readonly closed: readonly JsonObject[]; readonly warnings: readonly JsonObject[] } {
    return { closed: this.#closed.list(), warnings: warningList(this.#warnings) }
  }

  get #warnings(): readonly ConfigNote[] {
    return [...this.#file.warnings, ...this.#own.warnings, ...findPolicyRisks(this.#file, this.#own.settings)]
  }
}
