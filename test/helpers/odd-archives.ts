// SPDX-License-Identifier: Apache-2.0
/** Archives whose structure is sound enough to be read on, and whose fields are what chance says: for fuzzing. */
import { deflateRawSync } from 'node:zlib'
import { crc32 } from '../../src/base/crc32.ts'
import { type Dice, oneOf } from './seeded.ts'

const names = [
  ...['a', 'b/c', 'b', 'deep/er/f', 'update.json', './a', 'a/', 'b/c/', 'é', ' ', '.', './', '', 'x'.repeat(100)],
  ...[
    '..',
    '../evil',
    'a/../../evil',
    '/etc/evil',
    '//evil',
    '..\\evil',
    'C:/evil',
    'a\0b',
    'a\nb',
    '\ufffd',
    '\u202e',
  ],
]

/** A tar archive of a few entries, each header with a right check sum. */
export function oddTar(dice: Dice): Buffer {
  const parts = Array.from({ length: 1 + dice(5) }, () => oddTarEntry(dice))
  return Buffer.concat([...parts, Buffer.alloc(512 * dice(4))])
}

function oddTarEntry(dice: Dice): Buffer {
  const type = oneOf(dice, [...'0000055xxgLKN', ...'1234678SVADI\0', String.fromCharCode(dice(128))])
  const content = contentOf(dice, type)
  const header = Buffer.alloc(512)
  header.write(oneOf(dice, names), 0, 100)
  header.write(oneOf(dice, ['0000644', '0000755', '7777777', '', 'rwxr-xr', '-000644']), 100)
  header.write(oneOf(dice, ['0000000', '7777777', '        ']), 108, 8)
  header.write(oneOf(dice, ['0000000', '\0']), 116, 8)
  writeSize(dice, header, content.length)
  header.write(oneOf(dice, ['00000000000', '77777777777', '-1', 'x']), 136)
  header.write(type, 156)
  header.write(oneOf(dice, names), 157, 100)
  header.write(oneOf(dice, ['ustar\u000000', 'ustar  \0', '', 'USTAR']), 257)
  if (dice(3) === 0) header.write(oneOf(dice, [...names, '../..', '/']), 345, 155)
  if (dice(20) === 0) header[dice(512)] = dice(256)
  header.write('        ', 148)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  const padding = dice(20) === 0 ? dice(512) : (512 - (content.length % 512)) % 512
  return Buffer.concat([header, content, Buffer.alloc(padding)])
}

/** In octal, in base 256 or as nonsense; mostly the truth. */
function writeSize(dice: Dice, header: Buffer, bytes: number): void {
  const claimed = dice(6) === 0 ? oneOf(dice, [0, 1, bytes + 1, bytes + 513, 2 ** 33 - 1, dice(2000)]) : bytes
  header.write(claimed.toString(8).padStart(11, '0').slice(-11), 124)
  if (dice(12) !== 0) return
  const odd = [
    Buffer.from('80000000000000000000000a', 'hex'),
    Buffer.from('ffffffffffffffffffffffff', 'hex'),
    Buffer.from('807fffffffffffffffffffff', 'hex'),
    Buffer.from('-0000000001\0'),
    Buffer.from('99999999999\0'),
    Buffer.alloc(12),
  ]
  oneOf(dice, odd).copy(header, 124)
}

function contentOf(dice: Dice, type: string): Buffer {
  if (type === 'x' || type === 'g') return Buffer.from(Array.from({ length: dice(4) }, () => paxRecord(dice)).join(''))
  if (type === 'L' || type === 'K' || type === 'N')
    return Buffer.from(`${oneOf(dice, names)}${oneOf(dice, ['', '\0', '\0x'])}`)
  return Buffer.alloc(dice(3) === 0 ? 0 : dice(1500), 'content ')
}

function paxRecord(dice: Dice): string {
  const key = oneOf(dice, [
    'path',
    'size',
    'linkpath',
    'mtime',
    'mode',
    'type',
    'GNU.sparse.major',
    '__proto__',
    'constructor',
    '',
  ])
  const value = oneOf(dice, [...names, '0', '-1', '1e9', '99999999999999999999', 'NaN', '5', 'null'])
  const record = ` ${key}=${value}\n`
  const bytes = Buffer.byteLength(record)
  const length = bytes + String(bytes + 2).length
  return `${dice(6) === 0 ? dice(2000) : length}${record}`
}

/** A zip file of a few entries, whose local headers need not say what the directory says. */
export function oddZip(dice: Dice): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  const count = 1 + dice(4)
  let offset = 0
  for (let at = 0; at < count; at++) {
    const plain = Buffer.alloc(dice(3) === 0 ? 0 : dice(1500), 'content ')
    const isStored = dice(3) === 0
    const packed = isStored ? plain : deflateRawSync(plain)
    const name = Buffer.from(oneOf(dice, names), oneOf(dice, ['utf8', 'latin1'] as const))
    const fields = zipFields(dice, { plain, packed, method: isStored ? 0 : 8, nameBytes: name.length })
    const extra = dice(6) === 0 ? zipExtra(dice) : Buffer.alloc(0)
    fields.writeUInt16LE(extra.length, 24)
    const other = dice(8) === 0 ? Buffer.from(oneOf(dice, names)) : name
    const localFields = Buffer.from(fields)
    localFields.writeUInt16LE(other.length, 22)
    const local = Buffer.concat([Buffer.from('PK\u0003\u0004', 'latin1'), localFields, other, extra, packed])
    const tail = Buffer.alloc(14)
    const mode = oneOf(dice, [0o100644, 0o100755, 0o040755, 0o120777, 0o020666, 0o010644, 0, 0o104755])
    tail.writeUInt32LE((mode << 16) >>> 0, 6)
    tail.writeUInt32LE(dice(10) === 0 ? oneOf(dice, [0, 0xffffffff, dice(5000)]) : offset, 10)
    const start = Buffer.from([80, 75, 1, 2, 20, oneOf(dice, [3, 3, 3, 0, 19])])
    directory.push(Buffer.concat([start, fields, tail, name, extra]))
    parts.push(local)
    offset += local.length
  }
  const listing = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\u0005\u0006', 0, 'latin1')
  const told = dice(10) === 0 ? oneOf(dice, [0, count + 1, 0xffff]) : count
  end.writeUInt16LE(told, 8)
  end.writeUInt16LE(told, 10)
  end.writeUInt32LE(dice(15) === 0 ? dice(5000) : listing.length, 12)
  end.writeUInt32LE(dice(15) === 0 ? oneOf(dice, [0xffffffff, dice(5000)]) : offset, 16)
  const zip = Buffer.concat([...parts, listing, end])
  if (dice(10) === 0) zip[dice(zip.length)] = dice(256)
  return zip
}

/** The 26 bytes that both headers of an entry share. */
function zipFields(
  dice: Dice,
  entry: { readonly plain: Buffer; readonly packed: Buffer; readonly method: number; readonly nameBytes: number },
): Buffer {
  const { plain, packed, method, nameBytes } = entry
  const fields = Buffer.alloc(26)
  fields.writeUInt16LE(20, 0)
  fields.writeUInt16LE(dice(8) === 0 ? oneOf(dice, [1, 8, 0x41, 0x2000, dice(65_536)]) : oneOf(dice, [0, 0x0800]), 2)
  fields.writeUInt16LE(dice(10) === 0 ? oneOf(dice, [0, 8, 9, 12, 99]) : method, 4)
  fields.writeUInt32LE(dice(12) === 0 ? dice(2 ** 32) : crc32(plain), 10)
  fields.writeUInt32LE(dice(12) === 0 ? oneOf(dice, [0, 0xffffffff, dice(3000)]) : packed.length, 14)
  fields.writeUInt32LE(dice(12) === 0 ? oneOf(dice, [0, 0xffffffff, dice(3000)]) : plain.length, 18)
  fields.writeUInt16LE(nameBytes, 22)
  return fields
}

/** An extra field: of ZIP64, of a name in Unicode, or nonsense. */
function zipExtra(dice: Dice): Buffer {
  const body = Buffer.from(Array.from({ length: dice(30) }, () => dice(256)))
  const head = Buffer.alloc(4)
  head.writeUInt16LE(oneOf(dice, [0x0001, 0x7075, 0x5455, dice(65_536)]), 0)
  head.writeUInt16LE(dice(4) === 0 ? dice(65_536) : body.length, 2)
  return Buffer.concat([head, body])
}
