// SPDX-License-Identifier: Apache-2.0
/**
 * Puts a SEA blob into a Node binary, so that the result survives being stripped again and starts on old kernels.
 *
 * The blob becomes an ELF note in a segment of its own, behind all others in the file and in memory. Node looks for it
 * in the PT_NOTE segments. The program header table must not move: kernels without the later fix compute its address from
 * its place in the file. Two slots become free without loss: PT_PHDR, which only relocatable programs need, and the first
 * PT_NOTE (build id and ABI tag, whose bytes and sections stay). A section of its own keeps `strip` from dropping the note.
 */
import { BuildError } from '../build-error.ts'
import {
  type Elf,
  ET_EXEC,
  encodeSections,
  PF_R,
  PT_LOAD,
  PT_NOTE,
  PT_PHDR,
  readElf,
  type Section,
  type Segment,
  SHF_ALLOC,
  SHT_NOTE,
  writeSectionTablePlace,
  writeSegments,
} from './elf.ts'

/** A text in every Node binary that can contain a blob, followed by `:0`; with `:1` Node looks for a blob. */
export const seaFuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'
/** The name that Node looks for. */
export const seaNoteName = 'NODE_SEA_BLOB'
export const seaSectionName = '.note.node.sea'

/** The largest page that kernels of our targets use (arm64); file offset and address must agree modulo it. */
const pageBytes = 0x10000

/** The executable: `node` with `blob` in it. The same input gives the same bytes. Throws a {@link BuildError} when `node` does not fit. */
export function injectBlob(node: Uint8Array, blob: Uint8Array): Uint8Array {
  const elf = readElf(node)
  const fuseAt = findFuse(node)
  checkFits(elf)
  const note = encodeNote(blob)
  const noteAt = roundUp(node.length, pageBytes)
  const noteAddress = roundUp(endOfMemory(elf.segments), pageBytes)
  if (elf.bits === 32 && noteAddress + note.length > 0xffffffff)
    throw new BuildError('The blob does not fit in 32 bits.')

  const names = withName(sectionNames(node, elf))
  const namesAt = noteAt + note.length
  const sectionsAt = roundUp(namesAt + names.bytes.length, 8)
  const sections = encodeSections(elf.bits, [
    ...elf.sections.map((section, index) =>
      index === elf.sectionNames ? { ...section, offset: namesAt, bytes: names.bytes.length } : section,
    ),
    noteSection(names.name, noteAt, noteAddress, note.length),
  ])

  const executable = new Uint8Array(sectionsAt + sections.length)
  executable.set(node)
  executable.set(note, noteAt)
  executable.set(names.bytes, namesAt)
  executable.set(sections, sectionsAt)
  executable[fuseAt] = 0x31
  writeSectionTablePlace(executable, elf.bits, sectionsAt, elf.sections.length + 1)
  writeSegments(executable, elf.bits, elf.segmentsAt, withNoteSegments(elf.segments, noteAt, noteAddress, note.length))
  return executable
}

function checkFits(elf: Elf): void {
  if (elf.type !== ET_EXEC)
    throw new BuildError(
      `the Node binary is not a fixed-address executable (ELF type ${elf.type}); build it with --no-pie, or use --injector postject`,
    )
  if (elf.sections.length === 0 || elf.sections[elf.sectionNames] === undefined)
    throw new BuildError('The Node binary has no section table, because it was stripped of it.')
  for (const [type, name] of [
    [PT_PHDR, 'PT_PHDR'],
    [PT_NOTE, 'PT_NOTE'],
    [PT_LOAD, 'PT_LOAD'],
  ] as const)
    if (!elf.segments.some(segment => segment.type === type))
      throw new BuildError(`The Node binary has no ${name} segment.`)
}

/** The position of the character after the name of the fuse, which has to be changed. */
function findFuse(node: Uint8Array): number {
  const bytes = Buffer.from(node.buffer, node.byteOffset, node.byteLength)
  const first = bytes.indexOf(`${seaFuse}:`)
  if (first < 0)
    throw new BuildError('The Node binary has no SEA fuse: it was built without single-executable support.')
  if (bytes.indexOf(`${seaFuse}:`, first + 1) >= 0) throw new BuildError('The Node binary has more than one SEA fuse.')
  const at = first + seaFuse.length + 1
  if (bytes[at] === 0x31) throw new BuildError('The Node binary contains a SEA blob already.')
  if (bytes[at] !== 0x30) throw new BuildError('The SEA fuse of the Node binary is neither 0 nor 1.')
  return at
}

/** Name size, content size, type 0, name with its NUL, content; each padded to 4 bytes [ELF gABI 5, Note Section]. */
function encodeNote(blob: Uint8Array): Uint8Array {
  const name = Buffer.from(`${seaNoteName}\0`)
  const contentAt = 12 + roundUp(name.length, 4)
  const note = Buffer.alloc(contentAt + roundUp(blob.length, 4))
  note.writeUInt32LE(name.length, 0)
  note.writeUInt32LE(blob.length, 4)
  name.copy(note, 12)
  note.set(blob, contentAt)
  return note
}

function withNoteSegments(segments: readonly Segment[], offset: number, address: number, bytes: number): Segment[] {
  const place = { flags: PF_R, offset, address, physicalAddress: address, fileBytes: bytes, memoryBytes: bytes }
  const note: Segment = { type: PT_NOTE, ...place, align: 4 }
  const load: Segment = { type: PT_LOAD, ...place, align: pageBytes }
  const firstNote = segments.findIndex(segment => segment.type === PT_NOTE)
  const withNote = segments.map((segment, index) => (index === firstNote ? note : segment))
  // PT_LOAD entries stand in ascending order of address, so the new one follows the last [ELF gABI 5, PT_LOAD].
  const lastLoad = withNote.findLastIndex(segment => segment.type === PT_LOAD)
  return [...withNote.slice(0, lastLoad + 1), load, ...withNote.slice(lastLoad + 1)].filter(
    segment => segment.type !== PT_PHDR,
  )
}

function noteSection(name: number, offset: number, address: number, bytes: number): Section {
  const rest = { link: 0, info: 0, align: 4, entryBytes: 0 }
  return { name, type: SHT_NOTE, flags: SHF_ALLOC, address, offset, bytes, ...rest }
}

function sectionNames(node: Uint8Array, elf: Elf): Uint8Array {
  const section = elf.sections[elf.sectionNames]
  return section === undefined ? new Uint8Array() : node.subarray(section.offset, section.offset + section.bytes)
}

function withName(names: Uint8Array): { readonly bytes: Uint8Array; readonly name: number } {
  return { bytes: Buffer.concat([names, Buffer.from(`${seaSectionName}\0`)]), name: names.length }
}

function endOfMemory(segments: readonly Segment[]): number {
  const loads = segments.filter(segment => segment.type === PT_LOAD)
  return Math.max(...loads.map(segment => segment.address + segment.memoryBytes))
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit
}
