import { Header } from 'tar/header'
import { Pax } from 'tar/pax'

/** A tar archive is a row of blocks of this size. */
export const tarBlockBytes = 512

/** One entry of an archive. */
export interface TarEntry {
  /** Relative, `/` between the parts. */
  readonly path: string
  readonly type: 'File' | 'Directory' | 'SymbolicLink'
  readonly mode: number
  readonly bytes: number
  readonly modifiedMs: number
  /** Where a link leads. */
  readonly target?: string
}

/** The header blocks of an entry: POSIX ustar, with a pax record before it where a name or size does not fit. */
export function tarHeader(entry: TarEntry): Buffer {
  const path = entry.type === 'Directory' ? `${entry.path}/` : entry.path
  const fields = {
    path,
    type: entry.type,
    mode: entry.mode & 0o777,
    size: entry.type === 'File' ? entry.bytes : 0,
    // Who owned it on this device says nothing to whoever unpacks it elsewhere.
    uid: 0,
    gid: 0,
    mtime: new Date(Math.floor(entry.modifiedMs / 1000) * 1000),
    ...(entry.target === undefined ? {} : { linkpath: entry.target }),
  }
  const block = Buffer.alloc(tarBlockBytes)
  const needsPax = new Header(fields).encode(block)
  if (!needsPax) return block
  const { path: longPath, size, mtime } = fields
  const record = new Pax({
    path: longPath,
    size,
    mtime,
    ...(entry.target === undefined ? {} : { linkpath: entry.target }),
  })
  return Buffer.concat([record.encode(), block])
}

/** Zeros from the end of a file's content to the next block. */
export function tarPadding(bytes: number): Buffer {
  return Buffer.alloc((tarBlockBytes - (bytes % tarBlockBytes)) % tarBlockBytes)
}

/** The end of an archive: two empty blocks. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * tarBlockBytes)
}
