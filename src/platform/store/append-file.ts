// SPDX-License-Identifier: Apache-2.0
import type { FileHandle } from 'node:fs/promises'
import { onFile } from '../files/on-file.ts'
import { assertInPlace, writeWhole } from '../files/write-whole.ts'
import type { WriteBudget } from './write-budget.ts'

/** A file that only grows. */
export interface AppendFile {
  readonly name: string
  /** How many bytes of it are whole: what a failed append left behind does not count and is cut off. */
  readonly bytes: number
  /** Adds `content` behind the rest, all of it or (as far as the disk allows) nothing. */
  append(content: Uint8Array): Promise<void>
  /**
   * Returns when the content is on the disk, whole, in a file that the next process finds. Once it has rejected, what was
   * added since the last success counts as lost, whatever a later call says: after a failed write the kernel may take the
   * pages for clean. Write it anew, to another file.
   */
  sync(): Promise<void>
  close(): Promise<void>
}

interface AppendFileParts {
  readonly name: string
  readonly path: string
  /** Opened for appending; now the file's own. */
  readonly handle: FileHandle
  readonly bytes: number
  readonly budget: WriteBudget
  /** What its writes are counted under. */
  readonly cause: string
}

/** An {@link AppendFile} that is open. */
export function appendFile({ name, path, handle, bytes: wholeBytes, budget, cause }: AppendFileParts): AppendFile {
  let bytes = wholeBytes
  return {
    name,
    get bytes() {
      return bytes
    },
    append: content =>
      onFile('write', path, async () => {
        try {
          await writeWhole(handle, content)
        } catch (error) {
          // The reader would pass over half of a record at the end; cutting it off also gives the space back.
          await handle.truncate(bytes).catch(() => {})
          throw error
        }
        bytes += content.length
        budget.wrote(cause, content.length)
      }),
    sync: () =>
      onFile('write', path, async () => {
        // Neither look needs the result of the other, and the caller waits for both.
        await Promise.all([handle.datasync(), assertInPlace(handle, path, bytes)])
        budget.synced(cause)
      }),
    close: () => handle.close(),
  }
}
