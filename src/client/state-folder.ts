import { resolve } from 'node:path'
import type { Settings } from '../config/settings.ts'
import { type StoreFolder, storeFolder } from '../platform/store/store-folder.ts'
import type { WriteBudget } from '../platform/store/write-budget.ts'

/** Where a client without `queue.directory` keeps what must outlive it, in its configuration folder. */
const defaultFolder = 'queue'

interface StateParts {
  readonly settings: Settings
  readonly configDir: string
  readonly thingKey: string
}

/** What one thing keeps on flash: the outbox and the journal of its actions. Things that share a folder do not meet. */
export function stateFolder(parts: StateParts, budget: WriteBudget): StoreFolder {
  return storeFolder(statePath(parts), budget)
}

/** The path of {@link stateFolder}. */
export function statePath({ settings, configDir, thingKey }: StateParts): string {
  const above = settings.queue.directory ?? resolve(configDir, defaultFolder)
  // A thing key is any text: as a file name it must neither lead elsewhere nor hide.
  return resolve(above, encodeURIComponent(thingKey).replace(/^\./, '%2E'))
}
