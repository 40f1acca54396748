// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'
import { AgentError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { Client } from '../../client/client.ts'
import { transfersOf } from '../../client/files.ts'
import type { ManagerSettings, Settings } from '../../config/settings.ts'
import type { ManagedAction } from '../actions/index.ts'
import { BackgroundWork } from './background-work.ts'
import { fileDownloadAction, type TransferSettings } from './file-download.ts'
import { fileUploadAction } from './file-upload.ts'
import { archiveFolder, snapshotsOf } from './folder-archive.ts'
import { type NamedPath, ownThings, Reach, type ReachFacts } from './reach/index.ts'

/** What the configuration says about transfers now. */
export interface TransferConfig {
  readonly connection: Settings
  readonly own: { readonly settings: ManagerSettings }
  /** The folders (or files) that actions may name by absolute path. */
  readonly allowedPaths: readonly string[]
  /** Why no absolute path is allowed; undefined where they are. */
  readonly whyPathsClosed: string | undefined
  /** Why no file action works, not even in the runtime folder; undefined where they do. */
  readonly whyRuntimeClosed: string | undefined
}

export interface TransfersParts {
  readonly client: Pick<Client, 'events' | 'files'>
  readonly config: TransferConfig
  readonly place: { readonly configDir: string; readonly configFile: string }
  readonly runtime: { readonly path: string; readonly uploadFolder: string; readonly downloadFolder: string }
  readonly log: Log
}

/** The file actions of a manager, and the transfers that run behind their answers. */
export class Transfers {
  readonly #parts: TransfersParts
  readonly #background: BackgroundWork
  readonly #reach: Reach

  constructor(parts: TransfersParts) {
    const { client, log } = parts
    this.#parts = parts
    this.#background = new BackgroundWork({ log, report: text => client.events.publish(text, { level: 'error' }) })
    this.#reach = new Reach({ facts: () => this.#reachFacts(), log })
  }

  /** Takes the folders of the configuration as they are on the disk now. */
  load(): Promise<void> {
    return this.#reach.load()
  }

  get actions(): readonly ManagedAction[] {
    const { client, config, runtime } = this.#parts
    const shared = { settings: () => this.#settings(), background: this.#background.start }
    const [whyPaths, whyRuntime] = [() => config.whyPathsClosed, () => config.whyRuntimeClosed]
    return [
      fileDownloadAction({
        ...shared,
        download: async (...call) => (await transfersOf(client.files)).downloadInto(...call),
        destination: withClosedPaths(named => this.#reach.destination(named), whyPaths, whyRuntime),
      }),
      fileUploadAction({
        ...shared,
        uploadFile: async (...call) => (await transfersOf(client.files)).uploadFile(...call),
        uploadFolder: async (...call) => (await transfersOf(client.files)).uploadFolder(...call),
        source: withClosedPaths(named => this.#reach.source(named), whyPaths, whyRuntime),
        snapshots: snapshotsOf,
        archive: (folder, signal) => archiveFolder(folder, runtime.path, signal),
      }),
    ]
  }

  /** How many transfers run or wait behind their answers. */
  get running(): number {
    return this.#background.running
  }

  stop(): void {
    this.#background.stop()
  }

  #settings(): TransferSettings {
    const { waitForFileTransfer, downloadTimeoutS, uploadRemoveOnSuccess, uploadTarFile } =
      this.#parts.config.own.settings
    const { downloadFolder, uploadFolder } = this.#parts.runtime
    return { waitForFileTransfer, downloadTimeoutS, uploadRemoveOnSuccess, uploadTarFile, downloadFolder, uploadFolder }
  }

  #reachFacts(): ReachFacts {
    const { config, place, runtime } = this.#parts
    const { uploadFolder, downloadFolder, path: runtimeFolder } = runtime
    const connectionFile = resolve(place.configDir, place.configFile)
    const own = ownThings({ configDir: place.configDir, connectionFile, runtimeFolder, settings: config.connection })
    return { own, uploadFolder, downloadFolder, allow: config.allowedPaths }
  }
}

/**
 * Adds to the refusal of an absolute path why none is allowed, when a mistake in the configuration has closed them.
 *
 * @param whyRuntime why not even the runtime folder is used
 */
function withClosedPaths<Named extends NamedPath, Result>(
  take: (named: Named) => Promise<Result>,
  why: () => string | undefined,
  whyRuntime: () => string | undefined,
): (named: Named) => Promise<Result> {
  return async named => {
    const none = whyRuntime()
    if (none !== undefined)
      throw new AgentError('PATH_REFUSED', `${named.path}: ${none}`, { details: { path: named.path } })
    try {
      return await take(named)
    } catch (error) {
      const closed = named.relative ? undefined : why()
      if (closed === undefined || !(error instanceof AgentError) || error.code !== 'PATH_REFUSED') throw error
      const { path } = named
      throw new AgentError('PATH_REFUSED', `${path}: absolute paths are ${closed}`, { details: { path } })
    }
  }
}
