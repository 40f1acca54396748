import { lstatSync, type Stats } from 'node:fs'
import { lstat, stat } from 'node:fs/promises'
import { errnoOf } from '../../base/errors.ts'
import { fileFailure } from './file-failure.ts'
import { pathBytes } from './name-bytes.ts'

/** What is known about a path without opening it. */
export interface FileFacts {
  readonly kind: 'file' | 'folder' | 'link' | 'other'
  readonly bytes: number
  readonly modifiedMs: number
  /** Permission bits, e.g. 0o600. */
  readonly mode: number
  readonly ownerId: number
  readonly groupId: number
  /** Identity of the file itself, to see that a path still names the same one. */
  readonly inode: number
  readonly device: number
}

/** The facts of what `path` leads to, or undefined when there is nothing. Throws `FILE_ACCESS`. */
export function fileFacts(path: string, options: { followLinks?: boolean } = {}): Promise<FileFacts | undefined> {
  return factsOf(path, options.followLinks === false ? lstat : stat)
}

/** The facts of `path` itself, a link too, within this turn of the event loop: for the few folders above a file. Throws `FILE_ACCESS`. */
export function fileFactsNow(path: string): FileFacts | undefined {
  try {
    return factsFrom(lstatSync(pathBytes(path)))
  } catch (error) {
    return nothingThere(path, error)
  }
}

/** The facts in what the system says about an open file or a path. */
export function factsFrom(found: Stats): FileFacts {
  return {
    kind: found.isFile() ? 'file' : found.isDirectory() ? 'folder' : found.isSymbolicLink() ? 'link' : 'other',
    bytes: found.size,
    modifiedMs: found.mtimeMs,
    mode: found.mode & 0o7777,
    ownerId: found.uid,
    groupId: found.gid,
    inode: found.ino,
    device: found.dev,
  }
}

async function factsOf(path: string, ask: (path: string | Buffer) => Promise<Stats>): Promise<FileFacts | undefined> {
  try {
    return factsFrom(await ask(pathBytes(path)))
  } catch (error) {
    return nothingThere(path, error)
  }
}

function nothingThere(path: string, error: unknown): undefined {
  const errno = errnoOf(error)
  if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined
  throw fileFailure('look at', path, error)
}

/** Whether users other than its owner may read the file: group or others have the right. */
export function othersCanRead(facts: FileFacts): boolean {
  return (facts.mode & 0o044) !== 0
}
