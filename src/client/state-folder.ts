// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'
import type { Settings } from '../config/settings.ts'
import { type StoreFolder, storeFolder } from '../platform/store/store-folder.ts'
import type { WriteBudget } from '../platform/store/write-budget.ts'

/** The folder, in that of the configuration, where a client without `queue.directory` keeps what must outlive it. */
const defaultFolder = 'queue'

interface StateParts {
  readonly settings: Settings
  readonly configDir: string
  readonly thingKey: string
}

/** The folder in which one thing keeps its outbox and its journal of actions on flash. Things never share it. */
export function stateFolder(parts: StateParts, budget: WriteBudget): StoreFolder {
  return storeFolder(statePath(parts), budget)
}

/** The path of {@link stateFolder}. */
export function statePath({ settings, configDir, thingKey }: StateParts): string {
  const above = settings.queue.directory ?? resolve(configDir, defaultFolder)
  // A thing key is any text: as a file name it must neither lead to another folder nor be hidden.
  return resolve(above, encodeURIComponent(thingKey).replace(/^\./, '%2E'))
}
