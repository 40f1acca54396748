// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../base/errors.ts'
import type { TransferFolder } from '../../platform/held/transfer-folder.ts'
import { checkDiskFills, checkDiskSpace } from './disk-space.ts'
import { fileLimits } from './limits.ts'

/** How much a download may bring: what the owner of the device allows, and what the disk has room for while others write as well. */
export class DownloadRoom {
  readonly #name: string
  readonly #folder: TransferFolder
  readonly #maxBytes: number | undefined
  #checkedBytes = 0

  /** @param maxBytes `file_transfer.max_bytes` */
  constructor(name: string, folder: TransferFolder, maxBytes: number | undefined) {
    this.#name = name
    this.#folder = folder
    this.#maxBytes = maxBytes
  }

  /** Up to here the download may grow before the caller must {@link check} again. */
  get checkedBytes(): number {
    return this.#checkedBytes
  }

  /**
   * Called before anything is fetched.
   *
   * @param bytes size of the whole file; undefined while it is unknown
   * @param hereBytes how much of it is on this device already
   * @throws AgentError `LIMIT_EXCEEDED`, `DISK_FULL`
   */
  async expect(bytes: number | undefined, hereBytes = 0): Promise<void> {
    if (bytes !== undefined && bytes > (this.#maxBytes ?? Number.POSITIVE_INFINITY))
      throw this.#tooLarge(`it has ${bytes} bytes`)
    const room = await checkDiskSpace(this.#folder, (bytes ?? hereBytes) - hereBytes)
    this.#checkedBytes = this.#nextCheck(hereBytes, bytes, room)
  }

  /**
   * Called during the download.
   *
   * @param bytes what has come so far
   * @param totalBytes size of the whole file, if it is known
   * @throws AgentError `LIMIT_EXCEEDED`, `DISK_FULL`
   */
  async check(bytes: number, totalBytes: number | undefined): Promise<void> {
    if (totalBytes === undefined && bytes > this.#unknownBytes)
      throw this.#tooLarge(`its size is unknown, and ${bytes} bytes of it have come`)
    this.#checkedBytes = this.#nextCheck(bytes, totalBytes, await checkDiskFills(this.#folder))
  }

  /** What may come when the size is unknown. */
  get #unknownBytes(): number {
    return this.#maxBytes ?? fileLimits.unknownSizeBytes
  }

  /** Half of the room may be used before the disk is checked again, because others write too; on a large disk so rarely that it costs nothing. */
  #nextCheck(bytes: number, totalBytes: number | undefined, room: number): number {
    const next = bytes + Math.min(fileLimits.spaceEveryBytes, Math.max(room / 2, fileLimits.writeBytes))
    return totalBytes === undefined ? Math.min(next, this.#unknownBytes) : next
  }

  #tooLarge(why: string): AgentError {
    const limit = this.#unknownBytes
    const rule =
      this.#maxBytes === undefined
        ? 'without file_transfer.max_bytes the limit for such a file is'
        : 'file_transfer.max_bytes is'
    return new AgentError(
      'LIMIT_EXCEEDED',
      `The download of ${JSON.stringify(this.#name)} is refused: ${why}; ${rule} ${limit}. Raise file_transfer.max_bytes in the connection file.`,
      { details: { limit } },
    )
  }
}
