import { constants } from 'node:fs'
import { access, mkdir, rmdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { AgentError, errnoOf } from '../../base/errors.ts'
import { type FileFacts, fileFacts } from './file-facts.ts'
import { fewNamesOf } from './folder-names.ts'
import { pathBytes } from './name-bytes.ts'
import { onFile } from './on-file.ts'
import { removeTree } from './remove-tree.ts'
import { settleMode } from './settle-mode.ts'

/** Makes `path` and what is missing above it. A folder that is made here belongs to its owner alone; one that exists stays as it is. */
export function ensureFolder(path: string, mode = 0o700): Promise<void> {
  return onFile('make the folder', path, async () => {
    const missing: string[] = []
    // Not mkdir's own recursion: on a read-only file system it says ENOENT.
    for (let at = resolve(path); ; at = dirname(at)) {
      const facts = await fileFacts(at)
      if (facts?.kind === 'folder') break
      if (facts !== undefined) {
        throw new AgentError('FILE_ACCESS', `cannot make the folder ${path}: ${at} is something else`, {
          details: { path },
        })
      }
      missing.unshift(at)
    }
    for (const folder of missing) await makeFolder(folder, mode)
  })
}

async function makeFolder(path: string, mode: number): Promise<void> {
  try {
    await mkdir(pathBytes(path), { mode })
    await settleMode(path, mode)
  } catch (error) {
    // Another process was faster.
    if (errnoOf(error) !== 'EEXIST' || (await fileFacts(path))?.kind !== 'folder') throw error
  }
}

/** One entry of a folder. */
export interface FolderEntry {
  /** Relative to the folder where the listing began, `/` between the parts. */
  readonly path: string
  readonly facts: FileFacts
}

export interface ListingLimits {
  readonly maxEntries: number
  /** 1 = the folder itself without what is below its folders. */
  readonly maxDepth: number
}

/**
 * Everything in `folder`, a folder before what is in it, in the order of names (also of those that are no UTF-8: see
 * name-bytes.ts); links are told and not followed.
 * What vanishes on the way is left out.
 *
 * @throws AgentError `LIMIT_EXCEEDED` before more than `maxEntries` entries or `maxDepth` levels are looked at, `FILE_NOT_FOUND`, `FILE_ACCESS`
 */
export async function* listFolder(folder: string, limits: ListingLimits): AsyncGenerator<FolderEntry> {
  let left = limits.maxEntries
  const tooMany = (what: string) => new AgentError('LIMIT_EXCEEDED', `${folder}: ${what}`, { details: { ...limits } })
  // A stack instead of recursion: its depth is bounded, and it holds names only.
  const waiting: { path: string; depth: number }[] = [{ path: '', depth: 1 }]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const names = await onFile('list', join(folder, next.path), () => fewNamesOf(join(folder, next.path), left))
    if (names === undefined) throw tooMany(`more than ${limits.maxEntries} entries`)
    left -= names.length
    const below: typeof waiting = []
    for (const name of names.sort()) {
      const path = next.path === '' ? name : `${next.path}/${name}`
      const facts = await fileFacts(join(folder, path), { followLinks: false })
      if (facts === undefined) continue
      yield { path, facts }
      if (facts.kind !== 'folder') continue
      if (next.depth >= limits.maxDepth) {
        if (limits.maxDepth > 1) throw tooMany(`more than ${limits.maxDepth} levels of folders`)
        continue
      }
      below.unshift({ path, depth: next.depth + 1 })
    }
    waiting.push(...below)
  }
}

/** Removes a folder with all that is in it; links are removed and never followed. One that is gone already is fine. */
export function removeFolder(path: string): Promise<void> {
  return onFile('remove', path, () => removeTree(path))
}

/** Removes a folder that has nothing in it. Throws `FILE_ACCESS` when it has, `FILE_NOT_FOUND`. */
export function removeEmptyFolder(path: string): Promise<void> {
  return onFile('remove', path, () => rmdir(pathBytes(path)))
}

/** Throws `FILE_ACCESS` unless this process may add and replace files in a folder. */
export function checkWritable(folder: string): Promise<void> {
  return onFile('write to', folder, () => access(pathBytes(folder), constants.W_OK))
}
