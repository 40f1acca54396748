// SPDX-License-Identifier: Apache-2.0
/** Makes small ELF files shaped like a stripped Node binary: same tables, a SEA fuse, nothing that could run. */
import {
  encodeSections,
  type Section,
  type Segment,
  writeSectionTablePlace,
  writeSegments,
} from '../../build/elf/elf.ts'
import { seaFuse } from '../../build/elf/elf-injector.ts'

export interface TinyElf {
  readonly bits: 32 | 64
  /** ELF type; 2 is a fixed-address executable. */
  readonly type?: number
  readonly segments?: readonly Segment[]
  /** What stands in the data, the fuse by default. */
  readonly content?: string
}

const base = 0x400000
const nothing = { type: 0, flags: 0, offset: 0, address: 0, physicalAddress: 0, fileBytes: 0, memoryBytes: 0, align: 0 }

/** Program headers in the order of Node's x64 binary; the last PT_LOAD has a .bss that the file does not hold. */
export const usualSegments: readonly Segment[] = [
  { ...nothing, type: 6, flags: 4, offset: 64, address: base + 64, fileBytes: 280, memoryBytes: 280, align: 8 },
  { ...nothing, type: 3, flags: 4, offset: 0x300, address: base + 0x300, fileBytes: 28, memoryBytes: 28, align: 1 },
  { ...nothing, type: 1, flags: 5, offset: 0, address: base, fileBytes: 0x800, memoryBytes: 0x800, align: 0x1000 },
  {
    ...nothing,
    type: 1,
    flags: 6,
    offset: 0x800,
    address: base + 0x1800,
    fileBytes: 0x400,
    memoryBytes: 0x23456,
    align: 0x1000,
  },
  { ...nothing, type: 4, flags: 4, offset: 0x320, address: base + 0x320, fileBytes: 32, memoryBytes: 32, align: 4 },
  { ...nothing, type: 0x6474e551, flags: 6, align: 16 },
]

const names = '\0.text\0.shstrtab\0'
const namesAt = 0xc00
const sectionsAt = 0xc20

export function tinyElf({ bits, type = 2, segments = usualSegments, content = `...${seaFuse}:0...` }: TinyElf): Buffer {
  const none = {
    name: 0,
    type: 0,
    flags: 0,
    address: 0,
    offset: 0,
    bytes: 0,
    link: 0,
    info: 0,
    align: 0,
    entryBytes: 0,
  }
  const sections: Section[] = [
    none,
    { ...none, name: 1, type: 1, flags: 6, address: base + 0x400, offset: 0x400, bytes: 0x400, align: 16 },
    { ...none, name: 7, type: 3, offset: namesAt, bytes: names.length, align: 1 },
  ]
  const table = encodeSections(bits, sections)
  const file = Buffer.alloc(sectionsAt + table.length)
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, bits / 32, 1, 1]).copy(file)
  file.writeUInt16LE(type, 16)
  file.writeUInt16LE(bits === 64 ? 62 : 40, 18)
  const counts = bits === 64 ? 54 : 42
  const headerBytes = bits === 64 ? 64 : 52
  if (bits === 64) file.writeBigUInt64LE(BigInt(headerBytes), 32)
  else file.writeUInt32LE(headerBytes, 28)
  file.writeUInt16LE(bits === 64 ? 56 : 32, counts)
  file.writeUInt16LE(segments.length, counts + 2)
  file.writeUInt16LE(bits === 64 ? 64 : 40, counts + 4)
  file.writeUInt16LE(2, counts + 8)
  writeSectionTablePlace(file, bits, sectionsAt, sections.length)
  writeSegments(file, bits, headerBytes, segments)
  file.write(content, 0x900, 'latin1')
  file.write(names, namesAt, 'latin1')
  file.set(table, sectionsAt)
  return file
}
