// SPDX-License-Identifier: Apache-2.0
/**
 * Reads and writes the tables of a little-endian ELF file, 32 or 64 bits wide [ELF gABI 4.1, 5].
 * Only what the injector needs: the file header's places, program headers and section headers.
 */
import { BuildError } from '../build-error.ts'

export const ET_EXEC = 2
export const PT_LOAD = 1
export const PT_NOTE = 4
export const PT_PHDR = 6
export const PF_R = 4
export const SHT_NOTE = 7
export const SHF_ALLOC = 2

export interface Segment {
  readonly type: number
  readonly flags: number
  readonly offset: number
  readonly address: number
  readonly physicalAddress: number
  readonly fileBytes: number
  readonly memoryBytes: number
  readonly align: number
}

export interface Section {
  /** Where the name starts in the section name table. */
  readonly name: number
  readonly type: number
  readonly flags: number
  readonly address: number
  readonly offset: number
  readonly bytes: number
  readonly link: number
  readonly info: number
  readonly align: number
  readonly entryBytes: number
}

export interface Elf {
  readonly bits: 32 | 64
  /** Processor: 62 x86-64, 183 AArch64, 40 ARM. */
  readonly machine: number
  readonly type: number
  readonly segmentsAt: number
  readonly segments: readonly Segment[]
  readonly sections: readonly Section[]
  /** Index of the section that holds the section names. */
  readonly sectionNames: number
}

/** The offset of each field in the three structures, by width. */
const layouts = {
  32: { header: 52, segmentsAt: 28, sectionsAt: 32, counts: 42, segment: 32, section: 40 },
  64: { header: 64, segmentsAt: 32, sectionsAt: 40, counts: 54, segment: 56, section: 64 },
} as const

/** The tables of `file`. Throws a {@link BuildError} when it is not a little-endian ELF file or its tables are outside of it. */
export function readElf(file: Uint8Array): Elf {
  const view = viewOf(file)
  if (file.length < 64 || view.getUint32(0) !== 0x7f454c46) throw new BuildError('The file is not an ELF file.')
  const bits = file[4] === 1 ? 32 : file[4] === 2 ? 64 : undefined
  if (bits === undefined) throw new BuildError(`ELF class ${file[4]} is unknown.`)
  if (file[5] !== 1)
    throw new BuildError('The file is a big-endian ELF file, and only little-endian ones are supported.')
  const layout = layouts[bits]
  const word = reader(view, bits)
  const segmentsAt = word(layout.segmentsAt)
  const sectionsAt = word(layout.sectionsAt)
  const count = (index: number) => view.getUint16(layout.counts + 2 * index, true)
  const table = <T>(what: string, at: number, entries: number, bytes: number, expected: number, read: Read<T>): T[] => {
    if (entries > 0 && bytes !== expected) throw new BuildError(`An entry of the ${what} table has ${bytes} bytes.`)
    if (at + entries * bytes > file.length) throw new BuildError(`The ${what} table is outside of the file.`)
    return Array.from({ length: entries }, (_, index) => read(view, bits, at + index * bytes))
  }
  return {
    bits,
    type: view.getUint16(16, true),
    machine: view.getUint16(18, true),
    segmentsAt,
    segments: table('program header', segmentsAt, count(1), count(0), layout.segment, readSegment),
    sections: table('section header', sectionsAt, count(3), count(2), layout.section, readSection),
    sectionNames: count(4),
  }
}

type Read<T> = (view: DataView, bits: 32 | 64, at: number) => T

const readSegment: Read<Segment> = (view, bits, at) => {
  const half = (offset: number) => view.getUint32(at + offset, true)
  const word = (offset: number) => reader(view, bits)(at + offset)
  const [type, flags] = [half(0), half(bits === 64 ? 4 : 24)]
  const [offset, address, physicalAddress, fileBytes, memoryBytes] =
    bits === 64
      ? ([word(8), word(16), word(24), word(32), word(40)] as const)
      : ([word(4), word(8), word(12), word(16), word(20)] as const)
  return { type, flags, offset, address, physicalAddress, fileBytes, memoryBytes, align: word(bits === 64 ? 48 : 28) }
}

const readSection: Read<Section> = (view, bits, at) => {
  const half = (offset: number) => view.getUint32(at + offset, true)
  const word = (index: number) => reader(view, bits)(at + 8 + (index * bits) / 8)
  const tail = at + 8 + (4 * bits) / 8
  return {
    name: half(0),
    type: half(4),
    flags: word(0),
    address: word(1),
    offset: word(2),
    bytes: word(3),
    link: view.getUint32(tail, true),
    info: view.getUint32(tail + 4, true),
    align: reader(view, bits)(tail + 8),
    entryBytes: reader(view, bits)(tail + 8 + bits / 8),
  }
}

/** Writes `segments` as the program header table at `at`. */
export function writeSegments(file: Uint8Array, bits: 32 | 64, at: number, segments: readonly Segment[]): void {
  const view = viewOf(file)
  segments.forEach((segment, index) => {
    const start = at + index * layouts[bits].segment
    const { type, flags, offset, address, physicalAddress, fileBytes, memoryBytes, align } = segment
    view.setUint32(start, type, true)
    view.setUint32(start + (bits === 64 ? 4 : 24), flags, true)
    const words = [offset, address, physicalAddress, fileBytes, memoryBytes]
    const first = start + (bits === 64 ? 8 : 4)
    words.forEach((value, place) => {
      writeWord(view, bits, first + (place * bits) / 8, value)
    })
    writeWord(view, bits, start + (bits === 64 ? 48 : 28), align)
  })
}

/** The section header table as bytes. */
export function encodeSections(bits: 32 | 64, sections: readonly Section[]): Uint8Array {
  const bytes = new Uint8Array(sections.length * layouts[bits].section)
  const view = viewOf(bytes)
  sections.forEach((section, index) => {
    const start = index * layouts[bits].section
    view.setUint32(start, section.name, true)
    view.setUint32(start + 4, section.type, true)
    const words = [section.flags, section.address, section.offset, section.bytes]
    words.forEach((value, place) => {
      writeWord(view, bits, start + 8 + (place * bits) / 8, value)
    })
    const tail = start + 8 + (4 * bits) / 8
    view.setUint32(tail, section.link, true)
    view.setUint32(tail + 4, section.info, true)
    writeWord(view, bits, tail + 8, section.align)
    writeWord(view, bits, tail + 8 + bits / 8, section.entryBytes)
  })
  return bytes
}

/** Writes into the file header that the section header table has `count` entries and is at `at`. */
export function writeSectionTablePlace(file: Uint8Array, bits: 32 | 64, at: number, count: number): void {
  const view = viewOf(file)
  writeWord(view, bits, layouts[bits].sectionsAt, at)
  view.setUint16(layouts[bits].counts + 6, count, true)
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function reader(view: DataView, bits: 32 | 64): (at: number) => number {
  return at => (bits === 64 ? Number(view.getBigUint64(at, true)) : view.getUint32(at, true))
}

function writeWord(view: DataView, bits: 32 | 64, at: number, value: number): void {
  if (bits === 64) view.setBigUint64(at, BigInt(value), true)
  else view.setUint32(at, value, true)
}
