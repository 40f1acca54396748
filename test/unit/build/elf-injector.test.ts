// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PT_LOAD, PT_NOTE, PT_PHDR, readElf } from '../../../build/elf/elf.ts'
import { injectBlob, seaFuse, seaNoteName, seaSectionName } from '../../../build/elf/elf-injector.ts'
import { tinyElf, usualSegments } from '../../helpers/tiny-elf.ts'

const blob = Buffer.from('the blob of eleven')
const page = 0x10000

for (const bits of [32, 64] as const) {
  test(`the note stands in a page of its own behind everything, in file and memory (${bits} bits)`, () => {
    const node = tinyElf({ bits })
    const { segments } = readElf(injectBlob(node, blob))
    const load = segments.filter(segment => segment.type === PT_LOAD).at(-1)
    assert.ok(load)
    assert.equal(load.offset % page, 0)
    assert.equal(load.address % page, 0)
    assert.ok(load.offset >= node.length)
    assert.ok(load.address >= 0x400000 + 0x1800 + 0x23456, 'behind the .bss, which the file does not hold')
    assert.equal(load.align, page)
    assert.equal(load.flags, 4, 'read only')
    assert.equal(load.memoryBytes, load.fileBytes)
    assert.equal(load.physicalAddress, load.address)
    const notes = segments.filter(segment => segment.type === PT_NOTE)
    assert.deepEqual(notes, [{ ...load, type: PT_NOTE, align: 4 }])
  })

  test(`the note reads as Node reads it: sizes, type 0, name, blob (${bits} bits)`, () => {
    const executable = injectBlob(tinyElf({ bits }), blob)
    const note = readElf(executable).segments.find(segment => segment.type === PT_NOTE)
    assert.ok(note)
    const bytes = Buffer.from(executable).subarray(note.offset, note.offset + note.fileBytes)
    assert.equal(bytes.readUInt32LE(0), seaNoteName.length + 1)
    assert.equal(bytes.readUInt32LE(4), blob.length)
    assert.equal(bytes.readUInt32LE(8), 0)
    assert.equal(bytes.toString('latin1', 12, 12 + 16), `${seaNoteName}\0\0\0`)
    assert.deepEqual(bytes.subarray(28, 28 + blob.length), blob)
    assert.equal(bytes.length, 28 + 20, 'the blob is padded to 4 bytes')
  })

  test(`the program header table keeps its place and length, without PT_PHDR, PT_LOADs in order (${bits} bits)`, () => {
    const before = readElf(tinyElf({ bits }))
    const after = readElf(injectBlob(tinyElf({ bits }), blob))
    assert.equal(after.segmentsAt, before.segmentsAt)
    assert.deepEqual(
      after.segments.map(segment => segment.type),
      [3, PT_LOAD, PT_LOAD, PT_LOAD, PT_NOTE, 0x6474e551],
    )
    const addresses = after.segments.filter(segment => segment.type === PT_LOAD).map(segment => segment.address)
    assert.deepEqual(
      addresses,
      addresses.toSorted((a, b) => a - b),
    )
    assert.deepEqual(after.segments.slice(0, 3), before.segments.slice(1, 4), 'the others are as they were')
  })

  test(`nothing of Node moves: only header fields, the table and the fuse differ (${bits} bits)`, () => {
    const node = tinyElf({ bits })
    const executable = Buffer.from(injectBlob(node, blob))
    const tableEnd = bits === 64 ? 64 + usualSegments.length * 56 : 52 + usualSegments.length * 32
    const differing = [...node.keys()].filter(at => node[at] !== executable[at] && at >= tableEnd)
    assert.deepEqual(differing, [node.indexOf(`${seaFuse}:`) + seaFuse.length + 1])
    assert.ok(executable.includes(`${seaFuse}:1`))
  })

  test(`a section of its own names the note, so that strip keeps it (${bits} bits)`, () => {
    const node = tinyElf({ bits })
    const executable = Buffer.from(injectBlob(node, blob))
    const { sections, sectionNames, segments } = readElf(executable)
    assert.equal(sections.length, readElf(node).sections.length + 1)
    const names = sections[sectionNames]
    const added = sections.at(-1)
    assert.ok(names && added)
    const nameAt = names.offset + added.name
    assert.equal(executable.toString('latin1', nameAt, names.offset + names.bytes), `${seaSectionName}\0`)
    const note = segments.find(segment => segment.type === PT_NOTE)
    assert.deepEqual(
      [added.type, added.flags, added.address, added.offset, added.bytes, added.align],
      [7, 2, note?.address, note?.offset, note?.fileBytes, 4],
    )
    assert.equal(executable.toString('latin1', names.offset + 1, names.offset + 6), '.text', 'old names stay')
    assert.deepEqual(sections[1], readElf(node).sections[1])
  })

  test(`the same input gives the same bytes, and the input is left alone (${bits} bits)`, () => {
    const node = tinyElf({ bits })
    const copy = Buffer.from(node)
    assert.deepEqual(injectBlob(node, blob), injectBlob(node, blob))
    assert.deepEqual(node, copy)
  })
}

test('a second PT_NOTE stays as it is', () => {
  const second = { ...usualSegments[4], type: PT_NOTE, offset: 0x340, address: 0x400340 }
  const segments = [...usualSegments, second] as typeof usualSegments
  const notes = readElf(injectBlob(tinyElf({ bits: 64, segments }), blob)).segments.filter(s => s.type === PT_NOTE)
  assert.equal(notes.length, 2)
  assert.equal(notes[1]?.offset, 0x340)
})

test('a binary that already carries a blob is refused', () => {
  assert.throws(() => injectBlob(injectBlob(tinyElf({ bits: 64 }), blob), blob), /SEA blob already/)
  assert.throws(() => injectBlob(tinyElf({ bits: 64, content: `${seaFuse}:1` }), blob), /SEA blob already/)
})

test('the fuse must be there exactly once', () => {
  assert.throws(() => injectBlob(tinyElf({ bits: 64, content: 'nothing' }), blob), /no SEA fuse/)
  assert.throws(() => injectBlob(tinyElf({ bits: 64, content: `${seaFuse}:0 ${seaFuse}:0` }), blob), /more than one/)
  assert.throws(() => injectBlob(tinyElf({ bits: 64, content: `${seaFuse}:2` }), blob), /neither 0 nor 1/)
})

test('a position-independent executable is refused with the way out', () => {
  assert.throws(() => injectBlob(tinyElf({ bits: 64, type: 3 }), blob), /ELF type 3.*--no-pie.*postject/)
})

test('a binary without a slot to reuse is refused', () => {
  for (const [type, name] of [
    [PT_PHDR, 'PT_PHDR'],
    [PT_NOTE, 'PT_NOTE'],
    [PT_LOAD, 'PT_LOAD'],
  ] as const) {
    const segments = usualSegments.filter(segment => segment.type !== type)
    assert.throws(() => injectBlob(tinyElf({ bits: 64, segments }), blob), new RegExp(`no ${name} segment`))
  }
})

test('what is no ELF file, or a cut one, is refused', () => {
  assert.throws(() => injectBlob(Buffer.from('#!/bin/sh\n'), blob), /not an ELF file/)
  assert.throws(() => injectBlob(tinyElf({ bits: 64 }).subarray(0, 0x500), blob), /section header table is outside/)
  const bigEndian = tinyElf({ bits: 64 })
  bigEndian[5] = 2
  assert.throws(() => injectBlob(bigEndian, blob), /big-endian/)
  const strange = tinyElf({ bits: 64 })
  strange[4] = 3
  assert.throws(() => injectBlob(strange, blob), /ELF class 3/)
})

test('a blob that would not fit below 4 GB of a 32-bit program is refused', () => {
  const high = usualSegments.map(s => (s.memoryBytes === 0x23456 ? { ...s, address: 0xfffd0000 } : s))
  assert.throws(() => injectBlob(tinyElf({ bits: 32, segments: high }), Buffer.alloc(0x20000)), /32 bits/)
})
