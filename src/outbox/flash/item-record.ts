// SPDX-License-Identifier: Apache-2.0
import { framedBytes, maxRecordBytes } from '../../base/record.ts'
import type { StoredItem } from '../store.ts'

/**
 * An item as the body of a record on flash:
 *
 *     version 1, u8 | flags, u8 | sequence, f64 LE | ordinal, f64 LE | wall clock when put, f64 LE | clock offset, f64 LE
 *     | boot, u32 LE, only with flag 2 | ASCII JSON
 *
 * A clock offset means nothing in another boot, so it comes with the number of its boot.
 * Numbers are doubles: sequences outgrow 32 bits on a busy device, and every JavaScript number fits.
 */
const version = 1
const headerBytes = 34
const aloneFlag = 1
const bootFlag = 2
const bootBytes = 4

/** What an item takes on flash beside its JSON. */
export const flashOverheadBytes = framedBytes(headerBytes)
/** The longest JSON of one item. */
export const maxItemJsonBytes = maxRecordBytes - headerBytes - bootBytes

/** An item with its place in the lane. */
export interface FlashItem extends StoredItem {
  /** Counts the items of the lane that ever went to flash; two of them show how many lie between. */
  readonly ordinal: number
}

/** The body of the record of an item; `boot` is the number of this boot, as far as it is known. */
export function encodeItem(item: StoredItem, ordinal: number, boot: number | undefined): Uint8Array {
  const { clockOffsetMs } = item
  const hasBoot = clockOffsetMs !== undefined && boot !== undefined
  const textAt = headerBytes + (hasBoot ? bootBytes : 0)
  const body = Buffer.allocUnsafe(textAt + item.json.length)
  body[0] = version
  body[1] = (item.alone ? aloneFlag : 0) | (hasBoot ? bootFlag : 0)
  body.writeDoubleLE(item.sequence, 2)
  body.writeDoubleLE(ordinal, 10)
  body.writeDoubleLE(item.epochMs, 18)
  body.writeDoubleLE(clockOffsetMs ?? Number.NaN, 26)
  if (hasBoot) body.writeUInt32LE(boot, headerBytes)
  body.write(item.json, textAt, 'latin1')
  return body
}

/** Whether the body is of a version that this one does not know yet. */
export function isNewer(body: Uint8Array): boolean {
  return (body[0] ?? 0) > version
}

/**
 * The item of a record, or undefined when the record is of another version or makes no sense. The clock offset of another
 * boot than `boot` is left out.
 */
export function decodeItem(body: Uint8Array, boot: number | undefined): FlashItem | undefined {
  if (body.length <= headerBytes || body[0] !== version) return undefined
  const flags = body[1] ?? 0
  const hasBoot = (flags & bootFlag) !== 0
  if (hasBoot && body.length <= headerBytes + bootBytes) return undefined
  const buffer = Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const sequence = buffer.readDoubleLE(2)
  const ordinal = buffer.readDoubleLE(10)
  const epochMs = buffer.readDoubleLE(18)
  const clockOffsetMs = buffer.readDoubleLE(26)
  if (!Number.isSafeInteger(sequence) || !Number.isSafeInteger(ordinal) || !Number.isFinite(epochMs)) return undefined
  const isOfThisBoot = hasBoot && buffer.readUInt32LE(headerBytes) === boot && Number.isFinite(clockOffsetMs)
  return {
    sequence,
    ordinal,
    epochMs,
    alone: (flags & aloneFlag) !== 0,
    json: buffer.toString('latin1', headerBytes + (hasBoot ? bootBytes : 0)),
    ...(isOfThisBoot ? { clockOffsetMs } : {}),
  }
}
