// SPDX-License-Identifier: Apache-2.0
import { Header } from 'tar/header'
import { Pax } from 'tar/pax'
import { isText, rawBytes } from './name-bytes.ts'

/** A tar archive is a row of blocks of this size. */
export const tarBlockBytes = 512

interface TarFields {
  readonly path: string
  readonly type: TarEntry['type']
  readonly mode: number
  readonly size: number
  readonly uid: 0
  readonly gid: 0
  readonly mtime: Date
  readonly linkpath?: string
}

/** One entry of an archive. */
export interface TarEntry {
  /** Relative, `/` between the parts; it need not be UTF-8 (see name-bytes.ts). */
  readonly path: string
  readonly type: 'File' | 'Directory' | 'SymbolicLink'
  readonly mode: number
  readonly bytes: number
  readonly modifiedMs: number
  /** Where a link leads. */
  readonly target?: string
}

/**
 * The header blocks of an entry: POSIX ustar, preceded by a pax record where a name or size does not fit. A pax record is UTF-8,
 * so another name is in the header byte for byte, or, when it is long, in an entry of GNU tar before it.
 */
export function tarHeader(entry: TarEntry): Buffer {
  const path = entry.type === 'Directory' ? `${entry.path}/` : entry.path
  const fields: TarFields = {
    path,
    type: entry.type,
    mode: entry.mode & 0o777,
    size: entry.type === 'File' ? entry.bytes : 0,
    // The owners of this device mean nothing where the archive is unpacked.
    uid: 0,
    gid: 0,
    mtime: new Date(Math.floor(entry.modifiedMs / 1000) * 1000),
    ...(entry.target === undefined ? {} : { linkpath: entry.target }),
  }
  if (!isText(`${path}${entry.target ?? ''}`)) return rawHeader(fields)
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

/** The offsets of the two names and of the check sum in a header. */
const places = { path: 0, target: 157, sum: 148, sumBytes: 8 }
/** Longer names have an entry of their own. */
const nameBytes = 100

function rawHeader(fields: TarFields): Buffer {
  const names = { path: rawBytes(fields.path), target: rawBytes(fields.linkpath ?? '') }
  const block = Buffer.alloc(tarBlockBytes)
  new Header({ ...fields, path: '', linkpath: '' }).encode(block)
  names.path.copy(block, places.path, 0, nameBytes)
  names.target.copy(block, places.target, 0, nameBytes)
  block.fill(' ', places.sum, places.sum + places.sumBytes)
  const sum = block.reduce((all, byte) => all + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, places.sum)
  return Buffer.concat([
    ...longName('NextFileHasLongLinkpath', names.target),
    ...longName('NextFileHasLongPath', names.path),
    block,
  ])
}

/** The entry of GNU tar that holds a long name of the next entry; nothing for a name that fits into the header. */
function longName(type: 'NextFileHasLongPath' | 'NextFileHasLongLinkpath', name: Buffer): Buffer[] {
  if (name.length <= nameBytes) return []
  const content = Buffer.concat([name, Buffer.of(0)])
  const block = Buffer.alloc(tarBlockBytes)
  new Header({ path: '././@LongLink', type, mode: 0, size: content.length, uid: 0, gid: 0, mtime: new Date(0) }).encode(
    block,
  )
  return [block, content, tarPadding(content.length)]
}

/** Zeros from the end of a file's content to the next block. */
export function tarPadding(bytes: number): Buffer {
  return Buffer.alloc((tarBlockBytes - (bytes % tarBlockBytes)) % tarBlockBytes)
}

/** The end of an archive: two empty blocks. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * tarBlockBytes)
}
