// SPDX-License-Identifier: Apache-2.0
import * as zlib from 'node:zlib'

/** A CRC-32 (IEEE 802.3, as in zip and TR50 file transfers) over a stream: `crc = crc32(chunk, crc)`, starting at 0. Unsigned. */
export const crc32: (data: Uint8Array, previous?: number) => number = nativeCrc32() ?? slicingCrc32

/** Node 20.15 and later have it in C++; Node 20.11, of which the armv7 executable is made, does not. */
function nativeCrc32(): ((data: Uint8Array, previous?: number) => number) | undefined {
  const candidate = (zlib as { crc32?: unknown }).crc32
  return typeof candidate === 'function' ? (candidate as (data: Uint8Array, previous?: number) => number) : undefined
}

const slices = 8
let tables: Uint32Array | undefined

function makeTables(): Uint32Array {
  const made = new Uint32Array(256 * slices)
  for (let byte = 0; byte < 256; byte++) {
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
    made[byte] = value >>> 0
  }
  for (let index = 256; index < made.length; index++) {
    const previous = made[index - 256] as number
    made[index] = (previous >>> 8) ^ (made[previous & 0xff] as number)
  }
  return made
}

/** The same in JavaScript, eight bytes a step ("slicing by 8"). */
export function slicingCrc32(data: Uint8Array, previous = 0): number {
  tables ??= makeTables()
  const t = tables
  let crc = ~previous
  let at = 0
  for (const end = data.length - 7; at < end; at += 8) {
    const low =
      crc ^
      ((data[at] as number) |
        ((data[at + 1] as number) << 8) |
        ((data[at + 2] as number) << 16) |
        ((data[at + 3] as number) << 24))
    crc =
      (t[1792 + (low & 0xff)] as number) ^
      (t[1536 + ((low >>> 8) & 0xff)] as number) ^
      (t[1280 + ((low >>> 16) & 0xff)] as number) ^
      (t[1024 + (low >>> 24)] as number) ^
      (t[768 + (data[at + 4] as number)] as number) ^
      (t[512 + (data[at + 5] as number)] as number) ^
      (t[256 + (data[at + 6] as number)] as number) ^
      (t[data[at + 7] as number] as number)
  }
  for (; at < data.length; at++) crc = (crc >>> 8) ^ (t[(crc ^ (data[at] as number)) & 0xff] as number)
  return ~crc >>> 0
}
