import { join } from 'node:path'
import { fileFacts } from '../../platform/file-facts.ts'
import { listFolder } from '../../platform/folders.ts'
import type { FileIdentity } from '../../platform/held/transfer-facts.ts'
import type { ProtectedPlaces } from './protected-places.ts'

/** More than this, and nobody can tell: the answer is yes. */
const limits = { maxEntries: 20_000, maxDepth: 32 }
/** Not files of ours, and endless. */
const notOurs = new Set(['/proc', '/sys', '/dev'])

/**
 * Whether a file is one of the agent's own under another name. Asked only for the rare file that has several names.
 *
 * @param open folders in the trees that are not the agent's own
 */
export async function hasHardLink(
  places: ProtectedPlaces,
  open: ReadonlySet<string>,
  file: FileIdentity,
): Promise<boolean> {
  const wanted = `${file.device}:${file.inode}`
  const isIt = (facts: { readonly device: number; readonly inode: number } | undefined) =>
    facts !== undefined && `${facts.device}:${facts.inode}` === wanted
  try {
    for (const [folders, maxDepth] of [
      [places.trees, limits.maxDepth],
      [places.flats, 1],
    ] as const) {
      for (const folder of folders) {
        if (notOurs.has(folder) || (await fileFacts(folder))?.kind !== 'folder') continue
        for await (const { path, facts } of listFolder(folder, { ...limits, maxDepth }))
          if (isIt(facts) && !isBelowAny(open, join(folder, path))) return true
      }
    }
    return false
  } catch {
    return true
  }
}

function isBelowAny(folders: ReadonlySet<string>, path: string): boolean {
  return [...folders].some(folder => path.startsWith(`${folder}/`))
}
