// SPDX-License-Identifier: Apache-2.0
import { deflateRawSync, gzipSync } from 'node:zlib'
import { crc32 } from '../../src/base/crc32.ts'

/** One entry of an archive that a test makes, as odd as it likes. */
export interface MadeEntry {
  readonly name: string
  readonly content?: string | Uint8Array
  /** Permission bits and, for zip, the type bits of Unix. */
  readonly mode?: number
  /** Type flag of tar: 0 file, 1 hard link, 2 symbolic link, 3 and 4 devices, 5 folder, 6 pipe. */
  readonly type?: string
  readonly link?: string
  /** What the headers say of the size; default: the truth. */
  readonly claimedBytes?: number
}

const bytesOf = (content: string | Uint8Array = '') => Buffer.from(content)

/** A tar archive, written byte by byte. */
export function makeTar(entries: readonly MadeEntry[]): Buffer {
  const blocks = entries.flatMap(entry => {
    const { name, mode = 0o644, type = name.endsWith('/') ? '5' : '0', link = '', claimedBytes } = entry
    const content = bytesOf(entry.content)
    const header = Buffer.alloc(512)
    header.write(name, 0, 100)
    header.write(mode.toString(8).padStart(7, '0'), 100)
    header.write('0000000', 108)
    header.write('0000000', 116)
    header.write((claimedBytes ?? content.length).toString(8).padStart(11, '0'), 124)
    header.write('00000000000', 136)
    header.write('        ', 148)
    header.write(type, 156)
    header.write(link, 157, 100)
    header.write('ustar\u000000', 257)
    const sum = header.reduce((total, byte) => total + byte, 0)
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]
  })
  return Buffer.concat([...blocks, Buffer.alloc(1024)])
}

export function makeTarGz(entries: readonly MadeEntry[]): Buffer {
  return gzipSync(makeTar(entries))
}

/** A zip file, written byte by byte. */
export function makeZip(entries: readonly MadeEntry[]): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const { name, content, mode = 0o100644, claimedBytes } of entries) {
    const plain = bytesOf(content)
    const packed = deflateRawSync(plain)
    const bytes = claimedBytes ?? plain.length
    const fields = Buffer.alloc(26)
    fields.writeUInt16LE(20, 0)
    fields.writeUInt16LE(0x0800, 2)
    fields.writeUInt16LE(8, 4)
    fields.writeUInt32LE(crc32(plain), 10)
    fields.writeUInt32LE(packed.length, 14)
    fields.writeUInt32LE(bytes, 18)
    fields.writeUInt16LE(Buffer.byteLength(name), 22)
    const local = Buffer.concat([Buffer.from('PK\u0003\u0004', 'latin1'), fields, Buffer.from(name), packed])
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE((mode << 16) >>> 0, 6)
    tail.writeUInt32LE(offset, 10)
    directory.push(
      Buffer.concat([Buffer.from('PK\u0001\u0002', 'latin1'), Buffer.from([20, 3]), fields, tail, Buffer.from(name)]),
    )
    parts.push(local)
    offset += local.length
  }
  const listing = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\u0005\u0006', 0, 'latin1')
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(listing.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...parts, listing, end])
}
