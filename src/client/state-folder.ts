import { resolve } from 'node:path'
import type { Settings } from '../config/settings.ts'
import { type StoreFolder, storeFolder } from '../platform/store-folder.ts'
import type { WriteBudget } from '../platform/write-budget.ts'

/** Where a client without `queue.directory` keeps what must outlive it, in its configuration folder. */
const defaultFolder = 'queue'

/** What one thing keeps on flash: the outbox and the journal of its actions. Things that share a folder do not meet. */
export function stateFolder(
  parts: { readonly settings: Settings; readonly configDir: string; readonly thingKey: string },
  budget: WriteBudget,
): StoreFolder {
  const { settings, configDir, thingKey } = parts
  const above = settings.queue.directory ?? resolve(configDir, defaultFolder)
  // A thing key is any text: as a file name it must neither lead elsewhere nor hide.
  return storeFolder(resolve(above, encodeURIComponent(thingKey).replace(/^\./, '%2E')), budget)
}
