import { constants } from 'node:fs'
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AgentError } from '../../base/errors.ts'
import { fileFailure } from '../files/file-failure.ts'
import { ensureFolder } from '../files/folders.ts'
import { onFile } from '../files/on-file.ts'
import { assertInPlace, syncWhole, writeWhole } from '../files/write-whole.ts'
import { OwnFolder } from '../owners/own-folder.ts'
import { type ProcessLock, takeProcessLock } from '../process/process-lock.ts'
import type { WriteBudget } from './write-budget.ts'
import { type FolderWritesNow, writesNow } from './write-now.ts'

/** A file that only grows. */
export interface AppendFile {
  readonly name: string
  /** How many bytes of it are whole: what a failed append left behind does not count and is cut off. */
  readonly bytes: number
  /** Adds `content` behind the rest, all of it or (as far as the disk allows) nothing. */
  append(content: Uint8Array): Promise<void>
  /**
   * Returns when the content is on the disk, whole, in a file that whoever comes next finds. Once it has rejected, what was
   * added since the last success counts as lost, whatever a later call says: after a failed write the kernel may take the
   * pages for clean. Write it anew, to another file.
   */
  sync(): Promise<void>
  close(): Promise<void>
}

/**
 * A private folder of append-only files. Every failure is an `AgentError` that names the path; one that another user can
 * change is not read and not written (`POLICY_REFUSED`).
 */
export interface StoreFolder extends FolderWritesNow {
  readonly path: string
  /** Makes the folder (mode 0700) when it is missing, and looks whose it is. */
  prepare(): Promise<void>
  names(): Promise<readonly string[]>
  size(name: string): Promise<number>
  /** Up to `maxBytes` bytes of a file from `position`; fewer at its end. */
  read(name: string, position: number, maxBytes: number): Promise<Uint8Array>
  /** A new file, mode 0600; `cause` is what its writes are counted under. */
  create(name: string, cause: string): Promise<AppendFile>
  /** A file of this process to go on with. */
  reopen(name: string, cause: string): Promise<AppendFile>
  /** Puts a whole new content in the place of a file in one step that a power cut cannot halve. */
  replace(name: string, content: Uint8Array, cause: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  /** Removes a file; one that is gone already is fine. */
  remove(name: string): Promise<void>
  /** Takes the lock of this name in the folder. Throws `ALREADY_RUNNING` when another process, or this one, has it. */
  lock(name: string): Promise<ProcessLock>
}

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY, O_DIRECTORY } = constants

/** {@link StoreFolder} on the real file system. */
export function storeFolder(path: string, budget: WriteBudget): StoreFolder {
  const own = new OwnFolder(path)
  const at = (name: string) => join(path, name)

  /** Does something in the folder, where `place` is the path of a name. */
  async function tell<T>(
    verb: string,
    name: string,
    work: (place: (name: string) => string, folder: FileHandle | undefined) => Promise<T>,
  ): Promise<T> {
    try {
      return await own.within((base, folder) => work(one => join(base, one), folder))
    } catch (error) {
      throw fileFailure(verb, at(name), error)
    }
  }

  /** Makes names that were added to or taken from the folder survive a power cut. */
  async function syncFolder(cause: string, pinned: FileHandle | undefined): Promise<void> {
    const handle = pinned ?? (await open(path, O_RDONLY | O_DIRECTORY))
    try {
      await handle.sync()
      budget.synced(cause)
    } finally {
      if (pinned === undefined) await handle.close()
    }
  }

  return {
    path,
    ...writesNow(path, own, budget),
    async prepare() {
      await ensureFolder(path)
      await own.look()
    },
    names: () => tell('list', '.', async place => (await readdir(place('.'))).sort()),
    size: name => tell('look at', name, async place => (await stat(place(name))).size),

    read: (name, position, maxBytes) =>
      tell('read', name, async place => {
        const handle = await open(place(name), O_RDONLY | O_NOFOLLOW)
        try {
          const { size } = await handle.stat()
          return await readWhole(handle, position, Math.max(0, Math.min(maxBytes, size - position)))
        } finally {
          await handle.close()
        }
      }),

    create: (name, cause) =>
      tell('create', name, async (place, folder) => {
        const handle = await open(place(name), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW, 0o600)
        try {
          await syncFolder(cause, folder)
        } catch (error) {
          await handle.close()
          await rm(place(name), { force: true }).catch(() => {})
          throw error
        }
        return appendFile(name, handle, cause, 0)
      }),

    reopen: (name, cause) =>
      tell('open', name, async place => {
        const handle = await open(place(name), O_WRONLY | O_APPEND | O_NOFOLLOW)
        return appendFile(name, handle, cause, (await handle.stat()).size)
      }),

    replace: (name, content, cause) =>
      tell('replace', name, async (place, folder) => {
        const temporary = `${place(name)}.new`
        await rm(temporary, { force: true })
        const handle = await open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
        try {
          await writeWhole(handle, content)
          await syncWhole(handle, content.length)
        } finally {
          await handle.close()
        }
        await rename(temporary, place(name))
        budget.wrote(cause, content.length)
        budget.synced(cause)
        await syncFolder(cause, folder)
      }),

    rename: (from, to) => tell('rename', from, place => rename(place(from), place(to))),
    remove: name =>
      tell('remove', name, place => rm(place(name), { force: true })).catch(error => {
        // With its folder.
        if (!(error instanceof AgentError) || error.code !== 'FILE_NOT_FOUND') throw error
      }),
    lock: name => takeProcessLock(at(name), work => own.within(base => work(join(base, name)))),
  }

  function appendFile(name: string, handle: FileHandle, cause: string, wholeBytes: number): AppendFile {
    let bytes = wholeBytes
    return {
      name,
      get bytes() {
        return bytes
      },
      append: content =>
        onFile('write', at(name), async () => {
          try {
            await writeWhole(handle, content)
          } catch (error) {
            // Half of a record at the end would be passed over by the reader; cutting it off also gives the space back.
            await handle.truncate(bytes).catch(() => {})
            throw error
          }
          bytes += content.length
          budget.wrote(cause, content.length)
        }),
      sync: () =>
        onFile('write', at(name), async () => {
          // Neither look needs the other's result, and somebody waits for both.
          await Promise.all([handle.datasync(), assertInPlace(handle, at(name), bytes)])
          budget.synced(cause)
        }),
      close: () => handle.close(),
    }
  }
}

async function readWhole(handle: FileHandle, position: number, bytes: number): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(bytes)
  let done = 0
  while (done < bytes) {
    const { bytesRead } = await handle.read(buffer, done, bytes - done, position + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return buffer.subarray(0, done)
}
