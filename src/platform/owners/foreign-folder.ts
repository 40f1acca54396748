// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs'
import { type FileHandle, lstat, open, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AgentError, errnoOf } from '../../base/errors.ts'
import { onFile } from '../files/on-file.ts'
import { syncFolder } from '../files/sync-folder.ts'
import { descriptorPath } from '../held/descriptor.ts'

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants
const chunkBytes = 64 * 1024

/** A file in a folder of another user, held open: from now on it does not matter where its name leads. */
export interface ForeignFile {
  readonly bytes: number
  /** Its content, piece by piece, up to the size that it had when it was opened. */
  chunks(): AsyncGenerator<Uint8Array>
  close(): Promise<void>
}

/** A folder in which another user may change everything at any moment, held by its descriptor. */
export interface ForeignFolder {
  /** A folder in it. Throws `PATH_REFUSED` for anything else of that name, links included. */
  folder(name: string): Promise<ForeignFolder>
  /**
   * A regular file in it that belongs to its owner; undefined when there is nothing of that name.
   *
   * @throws AgentError `PATH_REFUSED` when it is not a regular file, belongs to a third user, or has a second name;
   *   `LIMIT_EXCEEDED` when it is larger than `maxBytes`
   */
  file(name: string, maxBytes: number): Promise<ForeignFile | undefined>
  /** Removes the entry of this name (a link itself), so that a power cut does not bring it back. A missing one is fine. */
  remove(name: string): Promise<void>
  close(): Promise<void>
}

/**
 * Opens a folder that the user `ownerId` may change. Every step below it starts at its descriptor and follows no link, and
 * only that user's own files are opened: whatever is moved, linked or swapped there, no file of a third user is read.
 *
 * @throws AgentError `PATH_REFUSED`, `FILE_NOT_FOUND`, `FILE_ACCESS` (also without /proc)
 */
export function openForeignFolder(path: string, ownerId: number): Promise<ForeignFolder> {
  return openAt(path, path, ownerId)
}

async function openAt(place: string, path: string, ownerId: number): Promise<ForeignFolder> {
  const handle = await onFile('open', path, async () => {
    try {
      return await open(place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    } catch (error) {
      const errno = errnoOf(error)
      if (errno === 'ENOTDIR' || errno === 'ELOOP') throw refused(path, 'it is a link, or not a folder')
      throw error
    }
  })
  try {
    const { uid } = await handle.stat()
    if (uid !== ownerId && uid !== 0) throw refused(path, `it belongs to uid ${uid}, not to uid ${ownerId}`)
  } catch (error) {
    await handle.close()
    throw error
  }
  return folderOf(handle, path, ownerId)
}

function folderOf(handle: FileHandle, path: string, ownerId: number): ForeignFolder {
  const at = (name: string) => `${descriptorPath(handle)}/${plain(name, path)}`
  return {
    folder: name => openAt(at(name), join(path, name), ownerId),
    file: (name, maxBytes) =>
      onFile('open', join(path, name), () => openFile(at(name), join(path, name), ownerId, maxBytes)),
    remove: name =>
      onFile('remove', join(path, name), async () => {
        try {
          await rm(at(name), { force: true })
        } catch (error) {
          if (errnoOf(error) !== 'ERR_FS_EISDIR' && errnoOf(error) !== 'EISDIR') throw error
          await rmdir(at(name))
        }
        await syncFolder(path, descriptorPath(handle))
      }),
    close: () => handle.close(),
  }
}

async function openFile(
  place: string,
  path: string,
  ownerId: number,
  maxBytes: number,
): Promise<ForeignFile | undefined> {
  // Checked before it is opened: some devices act when they are opened.
  const seen = await lstat(place).catch(error => {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  })
  if (seen === undefined) return undefined
  if (!seen.isFile()) throw refused(path, 'it is a link, or not a regular file')
  let handle: FileHandle
  try {
    handle = await open(place, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    if (errnoOf(error) === 'ELOOP') throw refused(path, 'it is a link')
    throw error
  }
  try {
    const facts = await handle.stat()
    if (!facts.isFile()) throw refused(path, 'it is not a regular file')
    if (facts.uid !== ownerId) throw refused(path, `it belongs to uid ${facts.uid}, not to uid ${ownerId}`)
    if (facts.nlink !== 1) throw refused(path, `it has ${facts.nlink} names`)
    if (facts.size > maxBytes) {
      const message = `Cannot use ${path}: it has ${facts.size} bytes, and at most ${maxBytes} are allowed.`
      throw new AgentError('LIMIT_EXCEEDED', message, { details: { path, maxBytes } })
    }
    return fileOf(handle, path, facts.size)
  } catch (error) {
    await handle.close()
    throw error
  }
}

function fileOf(handle: FileHandle, path: string, bytes: number): ForeignFile {
  return {
    bytes,
    async *chunks() {
      for (let position = 0; position < bytes; ) {
        const chunk = Buffer.allocUnsafeSlow(Math.min(chunkBytes, bytes - position))
        const { bytesRead } = await onFile('read', path, () => handle.read(chunk, 0, chunk.length, position))
        if (bytesRead === 0) return
        position += bytesRead
        yield chunk.subarray(0, bytesRead)
      }
    },
    close: () => handle.close(),
  }
}

/** Refuses anything but the name of one entry: in a path the kernel would follow links. */
function plain(name: string, path: string): string {
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0'))
    throw refused(join(path, name), 'it is not a plain name')
  return name
}

function refused(path: string, why: string): AgentError {
  return new AgentError('PATH_REFUSED', `${path} is refused: ${why}.`, { details: { path } })
}
