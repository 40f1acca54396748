// SPDX-License-Identifier: Apache-2.0
/** The archive that a kernel unpacks as its first root: cpio in the "newc" format. */

export interface ArchiveEntry {
  readonly path: string
  /** Type and permission bits of `stat`: 0o040755 folder, 0o100755 program, 0o120777 link. */
  readonly mode: number
  readonly content?: Uint8Array
}

export function cpioArchive(entries: readonly ArchiveEntry[]): Buffer {
  const last: ArchiveEntry = { path: 'TRAILER!!!', mode: 0 }
  return Buffer.concat([...entries, last].flatMap((entry, index) => record(entry, index + 1)))
}

function record({ path, mode, content = new Uint8Array() }: ArchiveEntry, inode: number): Uint8Array[] {
  const name = Buffer.from(`${path}\0`)
  const links = (mode & 0o170000) === 0o040000 ? 2 : 1
  // inode, mode, uid, gid, links, mtime, size, device major and minor, own device major and minor, name size, checksum
  const numbers = [inode, mode, 0, 0, links, 0, content.length, 0, 0, 0, 0, name.length, 0]
  const header = Buffer.from(`070701${numbers.map(number => number.toString(16).padStart(8, '0')).join('')}`)
  return [header, name, padding(header.length + name.length), content, padding(content.length)]
}

function padding(length: number): Uint8Array {
  return new Uint8Array(-length & 3)
}
