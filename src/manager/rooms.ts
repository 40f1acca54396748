// SPDX-License-Identifier: Apache-2.0
import type { JsonObject } from '../base/json.ts'
import type { Log } from '../base/log.ts'
import type { Client } from '../client/client.ts'
import { processEnvironment } from '../platform/process/process-facts.ts'
import { type ManagedAction, processActions, registerActions } from './actions/index.ts'
import type { Configuration } from './configuration/index.ts'
import { Decommissioning } from './decommission/index.ts'
import { DeviceFacts } from './device-facts/index.ts'
import { Link } from './link/index.ts'
import { LocalApi } from './local-api/index.ts'
import type { ManagerOptions } from './manager-options.ts'
import { type MemoryWatch, memoryWatchOf } from './memory/index.ts'
import { ManagerUpdates } from './ota/index.ts'
import { PendingAnswers } from './pending-answers.ts'
import { RemoteAccess } from './relay/index.ts'
import { RootSide } from './root/index.ts'
import { RuntimeFolder } from './runtime-folder.ts'
import { Transfers } from './transfers/index.ts'

export interface RoomsParts {
  readonly options: ManagerOptions
  readonly client: Client
  readonly config: Configuration
  readonly log: Log
  /** For `device-cloud status`. */
  readonly status: () => JsonObject
}

/** The rooms of a manager, one a feature, wired to one client. To add a feature, add it here, with its actions. */
export class Rooms {
  readonly runtime: RuntimeFolder
  readonly link: Link
  readonly memory: MemoryWatch
  readonly transfers: Transfers
  readonly remote: RemoteAccess
  readonly facts: DeviceFacts
  readonly decommissioning: Decommissioning
  readonly localApi: LocalApi
  readonly answers: PendingAnswers
  readonly #parts: RoomsParts
  #rootSide: RootSide | undefined
  #updates: ManagerUpdates | undefined

  constructor(parts: RoomsParts) {
    const { options, client, config, log, status } = parts
    const { clock, onEnd, onChange = () => {}, recentLog = () => '', memoryTimes: times } = options
    const shared = { client, config, clock, log, place: options }
    this.#parts = parts
    this.runtime = new RuntimeFolder({ path: config.own.settings.runtimeDir, log })
    const { path: runtimeDir, socketPath, answerFile, memoryNoteFile } = this.runtime
    this.link = new Link({ ...shared, settings: config.connection, onExpired: () => onEnd('no-link'), onChange })
    this.transfers = new Transfers({ ...shared, runtime: this.runtime })
    this.remote = new RemoteAccess({ ...shared, log: options.log.child('relay') })
    this.memory = memoryWatchOf({
      ...shared,
      note: memoryNoteFile,
      otherWork: () => this.transfers.running + this.remote.list().length,
      isUpdating: () => this.#updates?.current !== undefined,
      restart: () => onEnd('memory'),
      times,
    })
    this.facts = new DeviceFacts({ ...shared, runtimeDir })
    this.decommissioning = new Decommissioning({ ...shared, runtimeDir, end: () => onEnd('decommission') })
    const acknowledge = client.actions.acknowledge.bind(client.actions)
    this.answers = new PendingAnswers({ ...shared, file: answerFile, acknowledge })
    this.localApi = new LocalApi({ ...shared, socketPath, status, recentLog, endRelays: id => this.remote.end(id) })
  }

  /** Root's part of a manager that is not root; undefined before {@link openRootSide}, and where there is none. */
  get rootSide(): RootSide | undefined {
    return this.#rootSide
  }

  /** Undefined before {@link openUpdates}. */
  get updates(): ManagerUpdates | undefined {
    return this.#updates
  }

  async openRootSide(): Promise<void> {
    const { options } = this.#parts
    const { onEnd, powerOptions } = options
    this.#rootSide = await RootSide.open({
      environment: processEnvironment(),
      runtimeDir: this.runtime.path,
      end: () => onEnd('root'),
      log: options.log.child('root'),
      powerOptions,
    })
  }

  async openUpdates(): Promise<ManagerUpdates> {
    const { options, client, config, log } = this.#parts
    const { clock, configDir, onEnd, powerOptions = {} } = options
    this.#updates = await ManagerUpdates.open({
      client,
      config,
      configDir,
      runtimeDir: this.runtime.path,
      powerOptions,
      rootSide: this.#rootSide,
      handOver: () => onEnd('preflight'),
      clock,
      log,
    })
    return this.#updates
  }

  /** The actions of all rooms [TR50 4.5]; those of the updates need {@link openUpdates} before. */
  get actions(): readonly ManagedAction[] {
    const { options, client, log } = this.#parts
    const { clock, onEnd, powerOptions = {} } = options
    return [
      ...processActions({ client, clock, log, powerOptions, rootSide: this.#rootSide, onEnd }),
      ...this.transfers.actions,
      ...this.remote.actions,
      ...this.facts.actions,
      ...this.decommissioning.actions,
      ...(this.#updates?.actions ?? []),
    ]
  }

  registerActions(): void {
    const { client, config, log } = this.#parts
    const isEnabled = (name: string) => config.isEnabled(name)
    const whyClosed = (name: string) => config.whyClosed(name)
    registerActions({ actions: this.actions, taker: client.actions, isEnabled, whyClosed, log })
  }
}
