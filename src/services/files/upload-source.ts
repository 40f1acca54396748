// SPDX-License-Identifier: Apache-2.0
import { crc32 } from '../../base/crc32.ts'
import { AgentError } from '../../base/errors.ts'
import { throwIfAborted } from '../../base/wait.ts'
import type { FileFacts } from '../../platform/files/file-facts.ts'
import type { ReadableFile } from '../../platform/held/readable-file.ts'
import { fileLimits } from './limits.ts'

/** The check sum of an earlier try: while the file is unchanged, the next try need not read it again. */
export interface KnownContent {
  readonly bytes: number
  readonly modifiedNs: bigint
  readonly crc32: number
}

/**
 * A file that is being sent: first read for its check sum, then read again for its bytes, one block in memory at a time.
 * The upload sends the bytes that the file had when the try began. A file that grows meanwhile, such as a log, does no harm; any
 * other change does.
 */
export class UploadSource {
  readonly #path: string
  readonly #file: ReadableFile
  readonly #facts: FileFacts
  readonly #signal: AbortSignal
  readonly #buffers: Buffer[] = []
  #turn = 0
  #crc32 = 0
  #failure: AgentError | undefined
  #isSent = false

  private constructor(path: string, file: ReadableFile, facts: FileFacts, signal: AbortSignal) {
    this.#path = path
    this.#file = file
    this.#facts = facts
    this.#signal = signal
  }

  /** An open file as it is now; the caller keeps it and closes it. Rejects with `FILE_ACCESS` for anything that is not a regular file. */
  static async of(path: string, file: ReadableFile, signal: AbortSignal): Promise<UploadSource> {
    const facts = await file.facts()
    if (facts.kind !== 'file') throw unfit(path, 'it is not a regular file')
    // Files of /proc report a size of 0 although they have content.
    if (facts.bytes === 0 && (await file.read(new Uint8Array(1), 0)) > 0)
      throw unfit(path, 'it has no fixed size; copy it first')
    return new UploadSource(path, file, facts, signal)
  }

  get bytes(): number {
    return this.#facts.bytes
  }

  /** Whether all bytes were handed over. */
  get isSent(): boolean {
    return this.#isSent
  }

  /** Why {@link stream} broke off, if it did. */
  get failure(): AgentError | undefined {
    return this.#failure
  }

  /** The CRC-32 of the content, from `known` when the file is untouched since. Rejects with `FILE_CHANGED`. */
  async checksum(known: KnownContent | undefined): Promise<KnownContent> {
    const { bytes, modifiedNs } = this.#facts
    if (known?.bytes === bytes && known.modifiedNs === modifiedNs) {
      this.#crc32 = known.crc32
      return known
    }
    this.#crc32 = 0
    for await (const part of this.#parts()) this.#crc32 = crc32(part, this.#crc32)
    return { bytes, modifiedNs, crc32: this.#crc32 }
  }

  /**
   * The content, once, after {@link checksum}. Breaks off before the last block when the file is not what the check sum says.
   * A block is valid until the reader has asked for two more: by then it must have sent the block, as a reader that
   * respects backpressure has.
   */
  async *stream(report: (sentBytes: number) => void): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      await this.#checkUntouched()
      let crc = 0
      let at = 0
      for await (const part of this.#parts()) {
        crc = crc32(part, crc)
        // Without the last blocks the cloud cannot accept a changed file as complete.
        if (at + part.length === this.bytes && crc !== this.#crc32) throw this.#changed('its content is another now')
        for (let from = 0; from < part.length; from += fileLimits.sendBytes) {
          const block = part.subarray(from, from + fileLimits.sendBytes)
          yield block
          at += block.length
          report(at)
        }
      }
      this.#isSent = true
    } catch (error) {
      if (error instanceof AgentError) this.#failure = error
      throw error
    }
  }

  async #checkUntouched(): Promise<void> {
    const now = await this.#file.facts()
    if (now.bytes < this.bytes) throw this.#changed('it has become shorter')
    if (now.bytes === this.bytes && now.modifiedNs !== this.#facts.modifiedNs) throw this.#changed('it was written')
  }

  /** The whole content; the next part is read while the present one is used. */
  async *#parts(): AsyncGenerator<Uint8Array, void, undefined> {
    let next = this.bytes === 0 ? undefined : this.#part(0)
    try {
      for (let at = 0; next !== undefined; ) {
        const part = await next
        at += part.length
        next = at < this.bytes ? this.#part(at) : undefined
        // The next round of the loop handles a failure; until then it must not count as unhandled.
        next?.catch(() => {})
        yield part
      }
    } finally {
      // The buffers and the file must be at rest when this ends.
      await next?.catch(() => {})
    }
  }

  /**
   * The part at `at`, in one of a few buffers that are used in turn: new ones would pile up until the next garbage collection.
   * The buffer is filled although a network file system may read less than requested: the sender would not wait for small blocks.
   */
  async #part(at: number): Promise<Uint8Array> {
    throwIfAborted(this.#signal)
    const buffer = this.#buffers[this.#turn] ?? Buffer.allocUnsafeSlow(Math.min(fileLimits.readBytes, this.bytes))
    this.#buffers[this.#turn] = buffer
    this.#turn = (this.#turn + 1) % fileLimits.readBuffers
    const part = buffer.subarray(0, Math.min(buffer.length, this.bytes - at))
    for (let filled = 0; filled < part.length; ) {
      const count = await this.#file.read(part.subarray(filled), at + filled)
      if (count === 0) throw this.#changed('it has become shorter')
      filled += count
    }
    return part
  }

  #changed(how: string): AgentError {
    return new AgentError('FILE_CHANGED', `${this.#path} changed while it was being sent: ${how}.`, {
      details: { path: this.#path },
    })
  }
}

function unfit(path: string, why: string): AgentError {
  return new AgentError('FILE_ACCESS', `Cannot send ${path}: ${why}.`, {
    details: { path },
    remedy: 'Name a regular file or a folder.',
  })
}
