import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileFailure } from '../files/file-failure.ts'
import type { OwnFolder } from '../owners/own-folder.ts'
import type { WriteBudget } from './write-budget.ts'

/** Writes while the caller waits: for the end of the process, where nothing comes later. */
export interface FolderWritesNow {
  /** A new file with all of `content`, mode 0600, on the disk when this returns; a file that cannot be whole is not left there. */
  createNow(name: string, content: Uint8Array, cause: string): void
  /**
   * Puts a whole new content in the place of a file in one step. One that is under way for the same file comes to nothing: what is written here is what stays.
   */
  replaceNow(name: string, content: Uint8Array, cause: string): void
}

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants

/** {@link FolderWritesNow} in a folder that was looked at before. */
export function writesNow(path: string, own: OwnFolder, budget: WriteBudget): FolderWritesNow {
  /** `work` gets the path for a name; what it made is in the folder for good when this returns. */
  const within = (verb: string, name: string, cause: string, work: (place: (name: string) => string) => void): void => {
    try {
      own.withinNow(base => {
        work(one => join(base, one))
        const folder = openSync(base, O_RDONLY | O_DIRECTORY)
        try {
          fsyncSync(folder)
          budget.synced(cause)
        } finally {
          closeSync(folder)
        }
      })
    } catch (error) {
      throw fileFailure(verb, join(path, name), error)
    }
  }

  const create = (place: string, content: Uint8Array, cause: string): void => {
    const file = openSync(place, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    try {
      for (let done = 0; done < content.length; ) done += writeSync(file, content, done)
      fdatasyncSync(file)
      if (fstatSync(file).size !== content.length)
        throw Object.assign(new Error('not all of it arrived on the disk'), { code: 'ENOSPC' })
    } catch (error) {
      rmSync(place, { force: true })
      throw error
    } finally {
      closeSync(file)
    }
    budget.wrote(cause, content.length)
    budget.synced(cause)
  }

  return {
    createNow: (name, content, cause) => within('create', name, cause, place => create(place(name), content, cause)),
    replaceNow: (name, content, cause) =>
      within('replace', name, cause, place => {
        // Without its temporary file, a replacement that is under way in another thread cannot come after this one.
        rmSync(`${place(name)}.new`, { force: true })
        const temporary = `${place(name)}.last`
        rmSync(temporary, { force: true })
        create(temporary, content, cause)
        renameSync(temporary, place(name))
      }),
  }
}
