// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import { fileLimits } from './limits.ts'

/** What the cloud offers for download: an id for one try, and the size and check sum of the content, where the cloud gives them. */
export interface Offer {
  readonly fileId: string
  readonly bytes: number | undefined
  readonly crc32: number | undefined
}

/** The answer to file.get [TR50 file.get]. Throws `PROTOCOL_VIOLATION` when it is none. */
export function readOffer(answer: JsonObject): Offer {
  const bytes = answer.fileSize ?? undefined
  if (bytes !== undefined && !(typeof bytes === 'number' && Number.isSafeInteger(bytes) && bytes >= 0)) {
    throw violation(`fileSize must be a count of bytes, not ${show(bytes)}`)
  }
  return { fileId: readFileId(answer), bytes, crc32: readCrc32(answer.crc32 ?? undefined) }
}

/** The id in the answer to file.put or file.get. It is the only key to the file: never log it. */
export function readFileId(answer: JsonObject): string {
  const { fileId } = answer
  if (typeof fileId !== 'string' || fileId === '' || fileId.length > fileLimits.fileIdLength) {
    throw violation('fileId is missing, not a text, or too long')
  }
  if (/\p{Surrogate}/u.test(fileId)) throw violation('fileId is not Unicode text')
  // Neither is an id, and both would change the path that is asked for.
  if (fileId === '.' || fileId === '..') throw violation('fileId is not an id')
  return fileId
}

/** An unsigned number, its decimal text, or a signed 32-bit number as some stores keep it. */
function readCrc32(value: JsonObject[string]): number | undefined {
  if (value === undefined) return undefined
  const number = typeof value === 'string' && /^-?\d{1,10}$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isInteger(number) || number < -(2 ** 31) || number >= 2 ** 32) {
    throw violation(`crc32 must be an unsigned 32-bit number, not ${show(value)}`)
  }
  return number >>> 0
}

function violation(what: string): AgentError {
  return new AgentError('PROTOCOL_VIOLATION', `The answer of the cloud about a file is wrong: ${what}.`)
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 40)
}
