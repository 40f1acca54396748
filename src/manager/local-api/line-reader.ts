// SPDX-License-Identifier: Apache-2.0
import { maxLineBytes } from './message.ts'

const lineEnd = 0x0a
/** Pieces of a line are joined at this number: else a line that comes byte by byte costs a hundred bytes for each of them. */
const maxParts = 1000

/** Splits a byte stream into lines, and never holds more than the longest line allowed. */
export class LineReader {
  readonly #onLine: (line: string) => void
  readonly #onTooLong: () => void
  #parts: Buffer[] = []
  #bytes = 0
  #stopped = false

  constructor(parts: { onLine: (line: string) => void; onTooLong: () => void }) {
    this.#onLine = parts.onLine
    this.#onTooLong = parts.onTooLong
  }

  push(chunk: Buffer): void {
    let rest = chunk
    while (!this.#stopped) {
      const end = rest.indexOf(lineEnd)
      const part = end < 0 ? rest : rest.subarray(0, end)
      if (this.#bytes + part.length >= maxLineBytes) {
        this.#stopped = true
        this.#parts = []
        this.#onTooLong()
        return
      }
      this.#parts.push(part)
      this.#bytes += part.length
      if (end < 0) {
        if (this.#parts.length > maxParts) this.#parts = [Buffer.concat(this.#parts, this.#bytes)]
        return
      }
      const line = Buffer.concat(this.#parts, this.#bytes).toString('utf8')
      this.#parts = []
      this.#bytes = 0
      rest = rest.subarray(end + 1)
      if (line.trim() !== '') this.#onLine(line)
    }
  }
}
