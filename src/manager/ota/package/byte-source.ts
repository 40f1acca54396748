// SPDX-License-Identifier: Apache-2.0
import { badPackage } from './update-error.ts'

/** Gives out the bytes of a stream in the portions that the reader asks for. */
export class ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array>
  #rest: Buffer = Buffer.alloc(0)

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  /** The next `bytes` bytes; fewer at the end of the stream. For small portions only: they are in memory at once. */
  async take(bytes: number): Promise<Buffer> {
    while (this.#rest.length < bytes) {
      const chunk = await this.#next()
      if (chunk === undefined) break
      this.#rest = Buffer.concat([this.#rest, chunk])
    }
    return this.#cut(bytes)
  }

  /** The next `bytes` bytes, piece by piece; a caller that stops early may continue with another loop. Throws when the stream ends before. */
  slice(bytes: number): AsyncIterable<Uint8Array> {
    let left = bytes
    const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
      if (left === 0) return { done: true, value: undefined }
      if (this.#rest.length === 0) this.#rest = (await this.#next()) ?? Buffer.alloc(0)
      const value = this.#cut(left)
      if (value.length === 0) throw badPackage('The archive ends in the middle of a file.')
      left -= value.length
      return { done: false, value }
    }
    return { [Symbol.asyncIterator]: () => ({ next }) }
  }

  /** All that is left. */
  async *rest(): AsyncGenerator<Uint8Array> {
    for (let part: Buffer | undefined = this.#cut(this.#rest.length); part !== undefined; part = await this.#next())
      yield part
  }

  #cut(bytes: number): Buffer {
    const part = this.#rest.subarray(0, bytes)
    this.#rest = this.#rest.subarray(part.length)
    return part
  }

  async #next(): Promise<Buffer | undefined> {
    const { done, value } = await this.#chunks.next()
    return done ? undefined : Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  }
}
