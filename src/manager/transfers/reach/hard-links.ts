// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { fileFacts, identityKey } from '../../../platform/files/file-facts.ts'
import { listFolder } from '../../../platform/files/folders.ts'
import { type ProtectedPlaces, systemViews } from './protected-places.ts'

const limits = { maxEntries: 20_000, maxDepth: 32 }

/**
 * Every file of the agent's own, by `DEVICE:INODE`, which is the same for another name of it, a hard link. Collected only when
 * a file with several names is found.
 *
 * @param open folders in the trees that are not the agent's own
 * @returns undefined when there are too many files
 */
export async function ownFileKeys(
  places: ProtectedPlaces,
  open: ReadonlySet<string>,
): Promise<ReadonlySet<string> | undefined> {
  const keys = new Set<string>()
  const collect = async (folders: readonly string[], maxDepth: number) => {
    for (const folder of folders) {
      if (systemViews.includes(folder) || (await fileFacts(folder))?.kind !== 'folder') continue
      for await (const { path, facts } of listFolder(folder, { ...limits, maxDepth }))
        if (facts.kind === 'file' && !isBelowAny(open, join(folder, path))) keys.add(identityKey(facts))
    }
  }
  try {
    await collect(places.trees, limits.maxDepth)
    await collect(places.flats, 1)
    return keys
  } catch {
    return undefined
  }
}

function isBelowAny(folders: ReadonlySet<string>, path: string): boolean {
  return [...folders].some(folder => path.startsWith(`${folder}/`))
}
