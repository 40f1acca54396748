// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs'
import { access, mkdir, mkdtemp, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { AgentError, errnoOf } from '../../base/errors.ts'
import { type FileFacts, fileFacts } from './file-facts.ts'
import { fewNamesOf } from './folder-names.ts'
import { pathBytes } from './name-bytes.ts'
import { onFile } from './on-file.ts'
import { settleMode } from './settle-mode.ts'

/** Makes the folder `path` and the missing ones above it, private to their owner. Folders that exist stay as they are. */
export function ensureFolder(path: string, mode = 0o700): Promise<void> {
  return onFile('make the folder', path, async () => {
    const missing: string[] = []
    // The recursion of mkdir itself reports ENOENT on a read-only file system.
    for (let at = resolve(path); ; at = dirname(at)) {
      const facts = await fileFacts(at)
      if (facts?.kind === 'folder') break
      if (facts !== undefined) {
        throw new AgentError('FILE_ACCESS', `Cannot make the folder ${path}: ${at} is not a folder.`, {
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
    // Another process has made it meanwhile.
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
  /** 1 = the entries of the folder itself. */
  readonly maxDepth: number
}

/**
 * Everything in `folder`, a folder before its content, in the order of names (also of those that are not UTF-8: see
 * name-bytes.ts); links are listed and not followed. What vanishes meanwhile is left out.
 *
 * @throws AgentError `LIMIT_EXCEEDED` before more than `maxEntries` entries or `maxDepth` levels are looked at, `FILE_NOT_FOUND`, `FILE_ACCESS`
 */
export async function* listFolder(folder: string, limits: ListingLimits): AsyncGenerator<FolderEntry> {
  let left = limits.maxEntries
  const tooMany = (what: string) =>
    new AgentError('LIMIT_EXCEEDED', `${folder} has ${what}.`, { details: { ...limits } })
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

/** Removes an empty folder. Throws `FILE_ACCESS` when it is not empty, `FILE_NOT_FOUND`. */
export function removeEmptyFolder(path: string): Promise<void> {
  return onFile('remove', path, () => rmdir(pathBytes(path)))
}

/** Throws `FILE_ACCESS` unless this process may add and replace files in a folder. */
export function checkWritable(folder: string): Promise<void> {
  return onFile('write to', folder, () => access(pathBytes(folder), constants.W_OK))
}

/** A new folder for this user alone, in the temporary folder of the system. The caller removes it. */
export function makeTemporaryFolder(): Promise<string> {
  const folder = tmpdir()
  return onFile('make a folder in', folder, () => mkdtemp(join(folder, 'device-cloud-')))
}
