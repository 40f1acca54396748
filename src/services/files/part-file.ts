// SPDX-License-Identifier: Apache-2.0
import { crc32 } from '../../base/crc32.ts'
import type { PrivateFile } from '../../platform/held/private-file.ts'
import type { TransferFolder } from '../../platform/held/transfer-folder.ts'
import { processId } from '../../platform/process/process-facts.ts'
import { fileLimits } from './limits.ts'
import { guardPart, partPrefix, partSuffix } from './stale-parts.ts'

/** Where what goes to flash is counted. */
export interface FlashBudget {
  wrote(cause: string, bytes: number): void
  synced(cause: string): void
}

/**
 * The growing temporary file of a download: private, next to its destination, written in large blocks of constant memory
 * (one block fills while the other is written), with the CRC-32 of all bytes taken so far.
 */
export class PartFile {
  /** One sync at a time in the process: each may hold one of Node's few threads for as long as a slow disk takes. */
  static #isSyncing = false
  readonly #folder: TransferFolder
  readonly #file: PrivateFile
  readonly #budget: FlashBudget | undefined
  #block: Buffer = Buffer.allocUnsafeSlow(fileLimits.writeBytes)
  #spare: Buffer | undefined
  #filled = 0
  #flushedBytes = 0
  #crc32 = 0
  #writing: Promise<void> | undefined
  #syncing: Promise<void> | undefined
  /** Where the last background sync began; all bytes before it are on the disk or about to be. */
  #syncedBytes = 0
  #failure: unknown
  #open = true
  readonly #unguard: () => void

  private constructor(folder: TransferFolder, file: PrivateFile, unguard: () => void, budget: FlashBudget | undefined) {
    this.#budget = budget
    this.#folder = folder
    this.#file = file
    this.#unguard = unguard
  }

  static async create(folder: TransferFolder, budget?: FlashBudget): Promise<PartFile> {
    let unguard = () => {}
    // Before the file exists: after a clock step it could look old to another download that begins in the same folder.
    const guard = (name: string) => {
      unguard = guardPart(name)
    }
    try {
      return new PartFile(
        folder,
        await folder.createPrivate(partPrefix(processId()), partSuffix, guard),
        () => unguard(),
        budget,
      )
    } catch (error) {
      unguard()
      throw error
    }
  }

  /** In its folder. */
  get name(): string {
    return this.#file.name
  }

  /** Bytes taken so far, on disk or about to be. */
  get bytes(): number {
    return this.#flushedBytes + this.#filled
  }

  /** Bytes held in memory; never more than two blocks. */
  get bufferedBytes(): number {
    return this.#filled + (this.#writing === undefined ? 0 : fileLimits.writeBytes)
  }

  /** Whether the file system has refused a write; no further one can succeed. */
  get failed(): boolean {
    return this.#failure !== undefined
  }

  /** Takes a copy of a chunk. When it returns a promise, there is room for the next chunk only after that resolves. */
  append(chunk: Uint8Array): Promise<void> | undefined {
    if (chunk.length >= this.#block.length - this.#filled) return this.#appendAcross(chunk)
    this.#block.set(chunk, this.#filled)
    this.#filled += chunk.length
    return undefined
  }

  async #appendAcross(chunk: Uint8Array): Promise<void> {
    for (let taken = 0; taken < chunk.length; ) {
      const count = Math.min(chunk.length - taken, this.#block.length - this.#filled)
      this.#block.set(chunk.subarray(taken, taken + count), this.#filled)
      this.#filled += count
      taken += count
      if (this.#filled === this.#block.length) await this.#writeBlock()
    }
  }

  /** Writes everything that is still in memory and returns the CRC-32 of the whole file. */
  async flush(): Promise<number> {
    if (this.#filled > 0) await this.#writeBlock()
    await this.#settle()
    return this.#crc32
  }

  /** Forgets the content. */
  async startOver(): Promise<void> {
    await this.#settle()
    await this.#file.truncate(0)
    this.#filled = 0
    this.#flushedBytes = 0
    this.#syncedBytes = 0
    this.#crc32 = 0
  }

  /** Forces everything to the disk, with the permission bits of the finished file, and closes it. */
  async seal(mode: number): Promise<void> {
    await this.flush()
    await this.#syncing
    if (this.#failure !== undefined) throw this.#failure
    await this.#file.seal(mode, this.#flushedBytes)
    this.#budget?.synced('download')
    await this.#close()
  }

  /** Removes the file, whatever state it is in. */
  async discard(): Promise<void> {
    await this.#writing?.catch(() => {})
    await this.#syncing
    await this.#close().catch(() => {})
    await this.#folder.remove(this.name)
  }

  async #writeBlock(): Promise<void> {
    await this.#settle()
    const [block, filled, position] = [this.#block, this.#filled, this.#flushedBytes]
    const content = block.subarray(0, filled)
    this.#crc32 = crc32(content, this.#crc32)
    this.#block = this.#spare ?? Buffer.allocUnsafeSlow(fileLimits.writeBytes)
    this.#spare = block
    this.#filled = 0
    this.#flushedBytes += filled
    this.#budget?.wrote('download', filled)
    this.#writing = this.#file.write(content, position)
    // A failure is kept for the next call, because no caller may be waiting for this one.
    this.#writing.catch(error => {
      this.#failure = error
    })
    if (position - this.#syncedBytes >= fileLimits.syncEveryBytes) this.#syncOnTheWay(position)
  }

  /**
   * Syncs while the rest comes in, so that little is left for the end and unwritten data takes little of the memory of a small
   * device. The system reports a failure only once, so it is kept.
   */
  #syncOnTheWay(position: number): void {
    if (PartFile.#isSyncing) return
    PartFile.#isSyncing = true
    this.#syncedBytes = position
    this.#syncing = this.#file
      .sync()
      .then(() => this.#budget?.synced('download'))
      .catch(error => {
        this.#failure ??= error
      })
      .finally(() => {
        PartFile.#isSyncing = false
      })
  }

  async #settle(): Promise<void> {
    await this.#writing?.catch(() => {})
    this.#writing = undefined
    if (this.#failure !== undefined) throw this.#failure
  }

  async #close(): Promise<void> {
    if (!this.#open) return
    this.#open = false
    this.#unguard()
    await this.#file.close()
  }
}
