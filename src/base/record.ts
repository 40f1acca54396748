// SPDX-License-Identifier: Apache-2.0
import { crc32 } from './crc32.ts'

/**
 * Records in an append-only file, so framed that damage costs only what it hit:
 *
 *     FE ED | CRC-32 of all that follows, u32 LE | length of the body, u32 LE | body
 *
 * FE never occurs in UTF-8 text. After damage the reader looks for the next mark whose record has a correct sum,
 * and a text body cannot contain one.
 */
const mark = [0xfe, 0xed] as const
const sumAt = 2
const lengthAt = 6
/** Bytes that the frame adds to each body. */
export const recordOverheadBytes = 10
/** The longest body; a length beyond it is damage. */
export const maxRecordBytes = 16 * 1024 * 1024

/**
 * Bytes whose sum one scan computes in vain. Each mark in a damaged file may announce a record of up to {@link maxRecordBytes}; a
 * few appear by chance, but in a file of nothing but marks the scan would sum up the rest again from each of them.
 */
export const maxVainBytes = 256 * 1024 * 1024

/** How many bytes a body of `bodyBytes` takes in the file. */
export function framedBytes(bodyBytes: number): number {
  return bodyBytes + recordOverheadBytes
}

/** Writes one framed record into `target` at `offset` and returns the offset behind it. */
export function writeRecord(target: Uint8Array, offset: number, body: Uint8Array): number {
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength)
  target[offset] = mark[0]
  target[offset + 1] = mark[1]
  view.setUint32(offset + lengthAt, body.length, true)
  target.set(body, offset + recordOverheadBytes)
  view.setUint32(offset + sumAt, recordSum(target, offset, body.length), true)
  return offset + framedBytes(body.length)
}

/** One framed record as bytes of its own. */
export function frameRecord(body: Uint8Array): Uint8Array {
  const framed = new Uint8Array(framedBytes(body.length))
  writeRecord(framed, 0, body)
  return framed
}

/** A whole record that a scan found. */
export interface ScannedRecord {
  /** A view into the scanned bytes; copy it to keep it. */
  readonly body: Uint8Array
  /** Where the record starts. */
  readonly offset: number
  /** Where the next one may start. */
  readonly end: number
}

export interface ScanResult {
  /** Where the unread rest begins: an unfinished record, or nothing. */
  readonly end: number
  /** Bytes that were passed over because they belong to no whole record. */
  readonly damagedBytes: number
}

/**
 * Calls `found` for each whole record of `bytes` from `from` on.
 * With `more` (further bytes of the file will follow) an unfinished record at the end is left for the next scan;
 * without it the end is searched to the last byte. The caller of a file without bodies longer than `maxBodyBytes` says so,
 * so that a damaged length is noticed before that many bytes are read. `found` may return false to stop behind the present record.
 */
export function scanRecords(
  bytes: Uint8Array,
  found: (record: ScannedRecord) => boolean | undefined,
  options: { from?: number; more?: boolean; maxBodyBytes?: number } = {},
): ScanResult {
  const { from = 0, more = false, maxBodyBytes = maxRecordBytes } = options
  // One view for all records: a new one for each would cost more than reading through it.
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = from
  let damagedBytes = 0
  let vainBytes = 0
  while (at < bytes.length) {
    const state = recordAt(bytes, view, at, maxBodyBytes)
    if (state === 'unfinished' && more) break
    if (typeof state === 'number') {
      const end = state
      const goOn = found({ body: bytes.subarray(at + recordOverheadBytes, end), offset: at, end })
      at = end
      if (goOn === false) break
      continue
    }
    if (state === 'wrong sum') vainBytes += view.getUint32(at + lengthAt, true)
    // So much is not lost by chance: the rest was not written by this program.
    const next = vainBytes > maxVainBytes ? bytes.length : nextMark(bytes, at + 1)
    damagedBytes += next - at
    at = next
  }
  return { end: at, damagedBytes }
}

/** The end of the whole record at `offset`, or why there is none. */
function recordAt(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  maxBodyBytes: number,
): number | 'unfinished' | 'damaged' | 'wrong sum' {
  const left = bytes.length - offset
  if (bytes[offset] !== mark[0] || (left > 1 && bytes[offset + 1] !== mark[1])) return 'damaged'
  if (left < recordOverheadBytes) return 'unfinished'
  const bodyBytes = view.getUint32(offset + lengthAt, true)
  if (bodyBytes > maxBodyBytes) return 'damaged'
  if (framedBytes(bodyBytes) > left) return 'unfinished'
  return view.getUint32(offset + sumAt, true) === recordSum(bytes, offset, bodyBytes)
    ? offset + framedBytes(bodyBytes)
    : 'wrong sum'
}

function recordSum(bytes: Uint8Array, offset: number, bodyBytes: number): number {
  return crc32(bytes.subarray(offset + lengthAt, offset + framedBytes(bodyBytes)))
}

function nextMark(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(mark[0], from); at >= 0; at = bytes.indexOf(mark[0], at + 1)) {
    if (at + 1 === bytes.length || bytes[at + 1] === mark[1]) return at
  }
  return bytes.length
}
