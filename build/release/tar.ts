// SPDX-License-Identifier: Apache-2.0
/** Writes archives whose bytes depend only on their content [POSIX pax, ustar Interchange Format]. */
import { BuildError } from '../build-error.ts'

export interface TarFile {
  /** With `/` between the parts; at most 100 bytes. */
  readonly name: string
  readonly mode: number
  readonly bytes: Uint8Array
}

const blockBytes = 512

/** A tar archive of `files`, sorted by name, all owned by root and with one time. */
export function tarOf(files: readonly TarFile[], epochSeconds: number): Buffer {
  const parts: Uint8Array[] = []
  for (const file of [...files].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    parts.push(header(file, epochSeconds), file.bytes, Buffer.alloc(-file.bytes.length & (blockBytes - 1)))
  }
  return Buffer.concat([...parts, Buffer.alloc(2 * blockBytes)])
}

function header({ name, mode, bytes }: TarFile, epochSeconds: number): Buffer {
  if (Buffer.byteLength(name) > 100)
    throw new BuildError(`${name} is too long: names in an archive may have 100 bytes.`)
  const block = Buffer.alloc(blockBytes)
  const octal = (value: number, at: number, digits: number) =>
    block.write(`${value.toString(8).padStart(digits, '0')}\0`, at)
  block.write(name, 0)
  octal(mode, 100, 7)
  octal(0, 108, 7)
  octal(0, 116, 7)
  octal(bytes.length, 124, 11)
  octal(epochSeconds, 136, 11)
  block.write('0', 156)
  block.write('ustar\x0000', 257, 'latin1')
  block.write('root', 265)
  block.write('root', 297)
  // The checksum is computed with spaces in its own field.
  block.fill(' ', 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}
