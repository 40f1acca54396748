// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../base/errors.ts'
import type { FileFacts } from '../files/file-facts.ts'
import type { ReadableFile } from './readable-file.ts'
import type { TransferFolder } from './transfer-folder.ts'

/** One entry below a folder. */
export interface TreeEntry {
  /** Relative to the folder where the listing began, `/` between the parts. */
  readonly path: string
  readonly facts: FileFacts
  /** A user other than root and the agent's own may put things into its folder. */
  readonly isOpenToOthers: boolean
}

export interface TreeLimits {
  readonly maxEntries: number
  /** 1 = the entries of the folder itself. */
  readonly maxDepth: number
}

/** Whether an entry, with everything below it, is left out. */
export type LeaveOut = (entry: TreeEntry) => boolean | Promise<boolean>

/**
 * Everything in `top`, a folder before its content, in the order of names; links are listed and not followed, not even where
 * a folder becomes a link meanwhile. What vanishes meanwhile is left out.
 *
 * @throws AgentError `LIMIT_EXCEEDED` before more than `maxEntries` entries or `maxDepth` levels are looked at, `FILE_NOT_FOUND`, `FILE_ACCESS`
 */
export async function* folderTree(
  top: TransferFolder,
  limits: TreeLimits,
  leaveOut: LeaveOut = () => false,
): AsyncGenerator<TreeEntry> {
  let left = limits.maxEntries
  // A stack instead of recursion: its depth is bounded, and it holds names only.
  const waiting: { path: string; depth: number }[] = [{ path: '', depth: 1 }]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { path: folder, depth } = next
    const found = await inFolderBelow(top, folder, async held => entriesIn(held, folder, left)).catch(error => {
      if (folder !== '' && error instanceof AgentError && error.code === 'FILE_NOT_FOUND')
        return { entries: [], seen: 0 }
      throw error
    })
    if (found === undefined) throw tooMuch(top, `${limits.maxEntries} entries`)
    left -= found.seen
    const below: typeof waiting = []
    for (const entry of found.entries) {
      if (await leaveOut(entry)) continue
      yield entry
      if (entry.facts.kind !== 'folder') continue
      if (depth >= limits.maxDepth) throw tooMuch(top, `${limits.maxDepth} levels of folders`)
      below.unshift({ path: entry.path, depth: depth + 1 })
    }
    waiting.push(...below)
  }
}

/** Opens a file below `top`. Throws `FILE_NOT_FOUND`, `FILE_ACCESS` (also for anything but a regular file). */
export function openFileBelow(top: TransferFolder, path: string): Promise<ReadableFile> {
  return inParentBelow(top, path, (folder, name) => folder.openFile(name))
}

/** Runs `work` with the folder that a path below `top` lies in, and its last part. */
export function inParentBelow<T>(
  top: TransferFolder,
  path: string,
  work: (folder: TransferFolder, name: string) => Promise<T>,
): Promise<T> {
  const cut = path.lastIndexOf('/')
  return inFolderBelow(top, path.slice(0, Math.max(cut, 0)), folder => work(folder, path.slice(cut + 1)))
}

/** Runs `work` with the folder at `path` below `top` (empty: `top` itself), which is reached step by step and follows no link. */
async function inFolderBelow<T>(
  top: TransferFolder,
  path: string,
  work: (folder: TransferFolder) => Promise<T>,
): Promise<T> {
  let folder = top
  try {
    for (const name of path === '' ? [] : path.split('/')) {
      const next = await folder.openFolder(name)
      if (folder !== top) await folder.close()
      folder = next
    }
    return await work(folder)
  } finally {
    if (folder !== top) await folder.close()
  }
}

/** The entries of a folder, in the order of names; undefined when there are more than `max`. */
async function entriesIn(
  folder: TransferFolder,
  above: string,
  max: number,
): Promise<{ entries: TreeEntry[]; seen: number } | undefined> {
  const names: string[] = []
  for await (const name of folder.list()) {
    if (names.length >= max) return undefined
    names.push(name)
  }
  const entries: TreeEntry[] = []
  const isOpenToOthers = await folder.isOpenToOthers()
  for (const name of names.sort()) {
    const facts = await folder.look(name)
    if (facts !== undefined) entries.push({ path: above === '' ? name : `${above}/${name}`, facts, isOpenToOthers })
  }
  return { entries, seen: names.length }
}

function tooMuch(top: TransferFolder, limit: string): AgentError {
  return new AgentError('LIMIT_EXCEEDED', `${top.path} has more than ${limit}. Upload its parts one by one.`, {
    details: { path: top.path, limit },
  })
}
