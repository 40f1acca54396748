// SPDX-License-Identifier: Apache-2.0
import { formatLogRecord, type LogRecord } from './log.ts'

const newline = 0x0a
/** A longer line is cut: one flood must not push all others out. */
const maxLineBytes = 4 * 1024

/**
 * The last lines of a log, in memory alone: what happened before a support archive is made, also where the log goes to a
 * terminal without a reader. Takes a fixed number of bytes, from the first line on.
 */
export class LogRing {
  readonly #maxBytes: number
  #bytes: Buffer | undefined
  /** How many bytes were ever written; the place of the next one is the rest of this by the size. */
  #written = 0

  constructor(maxBytes = 64 * 1024) {
    this.#maxBytes = maxBytes
  }

  /** Takes a record; a sink of the log. */
  readonly sink = (record: LogRecord): void => {
    const line = Buffer.from(`${formatLogRecord(record)}\n`)
    if (line.length > maxLineBytes) line[maxLineBytes - 1] = newline
    this.#append(line.subarray(0, maxLineBytes))
  }

  /** The lines, oldest first, each with its line end. */
  text(): string {
    const bytes = this.#bytes
    if (bytes === undefined) return ''
    if (this.#written <= bytes.length) return bytes.toString('utf8', 0, this.#written)
    const oldest = this.#written % bytes.length
    const all = Buffer.concat([bytes.subarray(oldest), bytes.subarray(0, oldest)])
    // The oldest line is half overwritten.
    return all.toString('utf8', all.indexOf(newline) + 1)
  }

  #append(line: Buffer): void {
    this.#bytes ??= Buffer.allocUnsafeSlow(this.#maxBytes)
    const bytes = this.#bytes
    const at = this.#written % bytes.length
    const first = line.copy(bytes, at, 0, Math.min(line.length, bytes.length - at))
    line.copy(bytes, 0, first)
    this.#written += line.length
  }
}
