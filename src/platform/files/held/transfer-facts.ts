import type { BigIntStats } from 'node:fs'

/** What kind of thing a path names. */
export type TransferKind = 'file' | 'folder' | 'link' | 'other'

export interface TransferFacts {
  readonly kind: TransferKind
  readonly bytes: number
  /** Permission bits, without the type and without set-uid, set-gid and sticky. */
  readonly mode: number
  /** Changes whenever the content is written; compare for equality only. */
  readonly modifiedNs: bigint
  /** The same as a wall-clock time. */
  readonly modifiedMs: number
  /** Identity of the file itself, to see that a name still stands for the same one. */
  readonly device: bigint
  readonly inode: bigint
  readonly ownerId: number
  /** How many names the file has. */
  readonly links: number
}

export function transferFacts(stats: BigIntStats): TransferFacts {
  return {
    kind: stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : stats.isSymbolicLink() ? 'link' : 'other',
    bytes: Number(stats.size),
    mode: Number(stats.mode) & 0o777,
    modifiedNs: stats.mtimeNs,
    modifiedMs: Number(stats.mtimeMs),
    device: stats.dev,
    inode: stats.ino,
    ownerId: Number(stats.uid),
    links: Number(stats.nlink),
  }
}

/** Which file it is, whatever it is called. */
export type FileIdentity = Pick<TransferFacts, 'device' | 'inode'>

export function isSameFile(a: FileIdentity, b: FileIdentity): boolean {
  return a.device === b.device && a.inode === b.inode
}

/** {@link FileIdentity} as the key of a set. */
export function identityKey({ device, inode }: FileIdentity): string {
  return `${device}:${inode}`
}

/** Whether the owner and the mode of a folder let somebody other than root and the agent's user put things into it. */
export function isOpenToOthers({ uid, mode }: Pick<BigIntStats, 'uid' | 'mode'>): boolean {
  return !isTrustedOwner(Number(uid)) || (mode & 0o022n) !== 0n
}

/** Whether a file belongs to root or to the user that this process runs as: nobody else could have put it there. */
export function isTrustedOwner(ownerId: number): boolean {
  return ownerId === 0 || ownerId === process.geteuid?.()
}
