// SPDX-License-Identifier: Apache-2.0
import { type BigIntStats, lstatSync } from 'node:fs'
import { type FileHandle, lstat, stat } from 'node:fs/promises'
import { errnoOf } from '../../base/errors.ts'
import { fileFailure } from './file-failure.ts'
import { pathBytes } from './name-bytes.ts'

/** What the system says about a file, without reading it. */
export interface FileFacts {
  readonly kind: 'file' | 'folder' | 'link' | 'other'
  readonly bytes: number
  readonly modifiedMs: number
  /** The same to the nanosecond: changes whenever the content is written; compare for equality only. */
  readonly modifiedNs: bigint
  /** Permission bits with set-uid, set-gid and sticky, e.g. 0o600. */
  readonly mode: number
  readonly ownerId: number
  readonly groupId: number
  /** How many names the file has (hard links). */
  readonly links: number
  /** With `inode` the identity of the file itself, to see that a path still names the same one. */
  readonly device: bigint
  readonly inode: bigint
}

/** Which file it is, whatever it is called. */
export type FileIdentity = Pick<FileFacts, 'device' | 'inode'>

interface LookOptions {
  /** Whether a link is followed (default true). */
  readonly followLinks?: boolean
  /** How messages call the path, where that is not the one by which it is reached. */
  readonly shown?: string
}

/** The facts of what `path` leads to, or undefined when there is nothing. Throws `FILE_ACCESS`. */
export async function fileFacts(
  path: string,
  { followLinks = true, shown = path }: LookOptions = {},
): Promise<FileFacts | undefined> {
  try {
    return factsFrom(await (followLinks ? stat : lstat)(pathBytes(path), { bigint: true }))
  } catch (error) {
    return nothingThere(shown, error)
  }
}

/** The facts of `path` itself, a link too, within this turn of the event loop: for the few folders above a file. Throws `FILE_ACCESS`. */
export function fileFactsNow(path: string): FileFacts | undefined {
  try {
    return factsFrom(lstatSync(pathBytes(path), { bigint: true }))
  } catch (error) {
    return nothingThere(path, error)
  }
}

/** The facts of an open file. Throws errors of the system. */
export async function openFileFacts(handle: FileHandle): Promise<FileFacts> {
  return factsFrom(await handle.stat({ bigint: true }))
}

/** The facts in what the system says about an open file or a path. */
export function factsFrom(found: BigIntStats): FileFacts {
  return {
    kind: found.isFile() ? 'file' : found.isDirectory() ? 'folder' : found.isSymbolicLink() ? 'link' : 'other',
    bytes: Number(found.size),
    modifiedMs: Number(found.mtimeNs) / 1e6,
    modifiedNs: found.mtimeNs,
    mode: Number(found.mode) & 0o7777,
    ownerId: Number(found.uid),
    groupId: Number(found.gid),
    links: Number(found.nlink),
    device: found.dev,
    inode: found.ino,
  }
}

function nothingThere(path: string, error: unknown): undefined {
  const errno = errnoOf(error)
  if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined
  throw fileFailure('look at', path, error)
}

export function isSameFile(a: FileIdentity, b: FileIdentity): boolean {
  return a.device === b.device && a.inode === b.inode
}

/** {@link FileIdentity} as the key of a set. */
export function identityKey({ device, inode }: FileIdentity): string {
  return `${device}:${inode}`
}

/** Whether users other than its owner may read the file: group or others have the right. */
export function othersCanRead({ mode }: Pick<FileFacts, 'mode'>): boolean {
  return (mode & 0o044) !== 0
}

/** Whether the owner and the mode of a folder let a user other than root and that of this process put things into it. */
export function isOpenToOthers({ ownerId, mode }: Pick<FileFacts, 'ownerId' | 'mode'>): boolean {
  return !isTrustedOwner(ownerId) || (mode & 0o022) !== 0
}

/** Whether a file belongs to root or to the user of this process: no other user could have put it there. */
export function isTrustedOwner(ownerId: number): boolean {
  return ownerId === 0 || ownerId === process.geteuid?.()
}
