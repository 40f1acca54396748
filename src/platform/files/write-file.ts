// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errnoOf } from '../../base/errors.ts'
import { pathBytes } from './name-bytes.ts'
import { onFile } from './on-file.ts'
import { syncFolder } from './sync-folder.ts'
import { syncWhole, writeWhole } from './write-whole.ts'

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants

/** Mode and owner of a file that is written. */
export interface WriteOptions {
  /** Permission bits of the file, whatever the umask is; default 0600. */
  readonly mode?: number
  /** Its owner; default: the user of this process. */
  readonly owner?: { readonly userId: number; readonly groupId: number } | undefined
}

/**
 * Puts `data` in the place of `path` in one step: readers see the old content or the new, also after a power cut.
 * Writes a private file beside it, forces it to the disk, renames it and forces the folder to the disk.
 *
 * @throws AgentError `FILE_NOT_FOUND` (no such folder), `FILE_ACCESS`, `DISK_FULL`; `path` is untouched then
 */
export function replaceFile(path: string, data: string | Uint8Array, options: WriteOptions = {}): Promise<void> {
  return onFile('write', path, async () => {
    const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
    try {
      await writeNew(temporary, data, options)
      await rename(temporary, path)
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined)
      throw error
    }
    await syncFolder(dirname(path))
  })
}

/**
 * Creates `path` and writes `data`, forced to the disk. Of several processes that try at once, one succeeds; a link is not followed.
 * Returns false when `path` exists already.
 *
 * @throws AgentError `FILE_NOT_FOUND` (no such folder), `FILE_ACCESS`, `DISK_FULL`; nothing is left behind then
 */
export function createFile(path: string, data: string | Uint8Array, options: WriteOptions = {}): Promise<boolean> {
  return onFile('create', path, async () => {
    try {
      await writeNew(path, data, options)
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return false
      throw error
    }
    await syncFolder(dirname(path))
    return true
  })
}

/** Puts `from` in the place of `to` in one step, and forces that to the disk. */
export function renameFile(from: string, to: string): Promise<void> {
  return onFile('rename', from, async () => {
    await rename(from, to)
    await syncFolder(dirname(to))
  })
}

/** Removes a file or a link; one that is gone already is fine. */
export function removeFile(path: string): Promise<void> {
  return onFile('remove', path, () => rm(pathBytes(path), { force: true }))
}

async function writeNew(path: string, data: string | Uint8Array, { mode = 0o600, owner }: WriteOptions): Promise<void> {
  const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode & 0o600)
  try {
    const content = typeof data === 'string' ? Buffer.from(data) : data
    await writeWhole(file, content)
    // The umask took bits away at the creation, and other users may read the file only when it is complete.
    await file.chmod(mode)
    if (owner !== undefined) await file.chown(owner.userId, owner.groupId)
    await syncWhole(file, content.length)
  } catch (error) {
    await rm(path, { force: true }).catch(() => undefined)
    throw error
  } finally {
    await file.close()
  }
}
