// SPDX-License-Identifier: Apache-2.0
/** Keeps the end of an output, at most `maxBytes`, and counts what went before. */
export class OutputTail {
  readonly #maxBytes: number
  #parts: Buffer[] = []
  #bytes = 0
  #cutBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  add(part: Buffer): void {
    this.#parts.push(part)
    this.#bytes += part.length
    // Joined only now and then, because the parts of a long output would cost more memory than its bytes.
    if (this.#bytes > 2 * this.#maxBytes || this.#parts.length > 1000) this.#trim()
  }

  /** How many bytes at the beginning are not in {@link text}. */
  get cutBytes(): number {
    this.#trim()
    return this.#cutBytes
  }

  /** The kept end as UTF-8, beginning at a whole character. */
  text(): string {
    this.#trim()
    const kept = this.#parts[0] ?? Buffer.alloc(0)
    let start = 0
    // A cut inside a character leaves its continuation bytes (10xxxxxx) at the front.
    while (this.#cutBytes > 0 && start < 3 && ((kept[start] ?? 0) & 0xc0) === 0x80) start++
    return kept.toString('utf8', start)
  }

  #trim(): void {
    const all = Buffer.concat(this.#parts)
    const cut = Math.max(0, all.length - this.#maxBytes)
    // A copy, so that the rest does not keep the cut part in memory.
    this.#parts = [cut > 0 ? Buffer.from(all.subarray(cut)) : all]
    this.#bytes = all.length - cut
    this.#cutBytes += cut
  }
}
