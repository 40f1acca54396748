// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs'
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { AgentError } from '../../base/errors.ts'
import { ensureFolder } from '../files/folders.ts'
import { readWhole } from '../files/read-whole.ts'
import { syncWhole, writeWhole } from '../files/write-whole.ts'
import { type ProcessLock, takeProcessLock } from '../process/process-lock.ts'
import { type AppendFile, appendFile } from './append-file.ts'
import { FolderAccess } from './folder-access.ts'
import type { WriteBudget } from './write-budget.ts'
import { type FolderWritesNow, writesNow } from './write-now.ts'

/**
 * A private folder of append-only files. Every failure is an `AgentError` that names the path; a folder that another
 * user can change is not read and not written (`POLICY_REFUSED`).
 */
export interface StoreFolder extends FolderReads, FolderWrites, FolderWritesNow {
  readonly path: string
  /** Makes the folder (mode 0700) when it is missing, and checks that no other user can change it. */
  prepare(): Promise<void>
  /** Takes the lock of this name in the folder. Throws `ALREADY_RUNNING` when another process, or this one, has it. */
  lock(name: string): Promise<ProcessLock>
}

interface FolderReads {
  names(): Promise<readonly string[]>
  size(name: string): Promise<number>
  /** Up to `maxBytes` bytes of a file from `position`; fewer at its end. */
  read(name: string, position: number, maxBytes: number): Promise<Uint8Array>
}

interface FolderWrites {
  /** A new file, mode 0600; its writes are counted under `cause`. */
  create(name: string, cause: string): Promise<AppendFile>
  /** A file of this process, to append more to it. */
  reopen(name: string, cause: string): Promise<AppendFile>
  /** Puts a whole new content in the place of a file in one step that a power cut cannot halve. */
  replace(name: string, content: Uint8Array, cause: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  /** Removes a file; a missing one is fine. */
  remove(name: string): Promise<void>
}

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants

/** {@link StoreFolder} on the real file system. */
export function storeFolder(path: string, budget: WriteBudget): StoreFolder {
  const access = new FolderAccess(path, budget)
  return {
    path,
    ...reads(access),
    ...writes(access),
    ...writesNow(access),
    async prepare() {
      await ensureFolder(path)
      await access.look()
    },
    lock: name => takeProcessLock(access.shown(name), work => access.within(place => work(place(name)))),
  }
}

function reads(access: FolderAccess): FolderReads {
  return {
    names: () => access.run('list', '.', async place => (await readdir(place('.'))).sort()),
    size: name => access.run('look at', name, async place => (await stat(place(name))).size),
    read: (name, position, maxBytes) =>
      access.run('read', name, async place => {
        const handle = await open(place(name), O_RDONLY | O_NOFOLLOW)
        try {
          const { size } = await handle.stat()
          return await readWhole(handle, position, Math.max(0, Math.min(maxBytes, size - position)))
        } finally {
          await handle.close()
        }
      }),
  }
}

function writes(access: FolderAccess): FolderWrites {
  const { budget } = access
  const appendable = (name: string, handle: FileHandle, cause: string, bytes: number) =>
    appendFile({ name, path: access.shown(name), handle, bytes, budget, cause })
  return {
    create: (name, cause) =>
      access.run('create', name, async place => {
        const handle = await open(place(name), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW, 0o600)
        try {
          await access.sync(place, cause)
        } catch (error) {
          await handle.close()
          await rm(place(name), { force: true }).catch(() => {})
          throw error
        }
        return appendable(name, handle, cause, 0)
      }),
    reopen: (name, cause) =>
      access.run('open', name, async place => {
        const handle = await open(place(name), O_WRONLY | O_APPEND | O_NOFOLLOW)
        return appendable(name, handle, cause, (await handle.stat()).size)
      }),
    replace: (name, content, cause) =>
      access.run('replace', name, async place => {
        const temporary = `${place(name)}.new`
        await writeNew(temporary, content)
        await rename(temporary, place(name))
        budget.wrote(cause, content.length)
        budget.synced(cause)
        await access.sync(place, cause)
      }),
    rename: (from, to) => access.run('rename', from, place => rename(place(from), place(to))),
    remove: name =>
      access
        .run('remove', name, place => rm(place(name), { force: true }))
        .catch(error => {
          // It is gone with its folder.
          if (!(error instanceof AgentError) || error.code !== 'FILE_NOT_FOUND') throw error
        }),
  }
}

/** Writes a file anew, in the place of one that a former process may have left half written, and forces it to the disk. */
async function writeNew(path: string, content: Uint8Array): Promise<void> {
  await rm(path, { force: true })
  const handle = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    await writeWhole(handle, content)
    await syncWhole(handle, content.length)
  } finally {
    await handle.close()
  }
}
