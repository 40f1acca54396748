// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, fdatasyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { assertWholeNow, writeWholeNow } from '../files/write-whole.ts'
import type { FolderAccess } from './folder-access.ts'
import type { WriteBudget } from './write-budget.ts'

/** Synchronous writes, for the end of the process, where nothing runs later. */
export interface FolderWritesNow {
  /** A new file with all of `content`, mode 0600, on the disk when this returns; a file that cannot be whole is not left there. */
  createNow(name: string, content: Uint8Array, cause: string): void
  /**
   * Puts a whole new content in the place of a file in one step. A replacement of the same file that is under way comes to
   * nothing: what is written here is what stays.
   */
  replaceNow(name: string, content: Uint8Array, cause: string): void
}

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants

/** {@link FolderWritesNow} in a folder that was checked before. */
export function writesNow(access: FolderAccess): FolderWritesNow {
  return {
    createNow: (name, content, cause) =>
      access.runNow('create', name, place => {
        create(place(name), content, cause, access.budget)
        access.syncNow(place, cause)
      }),
    replaceNow: (name, content, cause) =>
      access.runNow('replace', name, place => {
        // Without its temporary file, a replacement that is under way in another thread cannot come after this one.
        rmSync(`${place(name)}.new`, { force: true })
        const temporary = `${place(name)}.last`
        rmSync(temporary, { force: true })
        create(temporary, content, cause, access.budget)
        renameSync(temporary, place(name))
        access.syncNow(place, cause)
      }),
  }
}

function create(path: string, content: Uint8Array, cause: string, budget: WriteBudget): void {
  const file = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    writeWholeNow(file, content)
    fdatasyncSync(file)
    assertWholeNow(file, content.length)
  } catch (error) {
    rmSync(path, { force: true })
    throw error
  } finally {
    closeSync(file)
  }
  budget.wrote(cause, content.length)
  budget.synced(cause)
}
