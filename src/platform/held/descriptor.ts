// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs'
import { type FileHandle, lstat, open } from 'node:fs/promises'
import { AgentError, errnoOf } from '../../base/errors.ts'
import { pathBytes } from '../files/name-bytes.ts'

const { O_DIRECTORY, O_NOFOLLOW } = constants

/** Opens a file for naming it, and for nothing else. It is not among Node's constants; its value is the same on all our targets. */
export const O_PATH = 0o10000000

/** Where the system shows the open files of this process. A name below one of them stays in that folder, even when its path changes. */
const openFiles = '/proc/self/fd'

/**
 * The root of the file system as the kernel sees it for this process. An emulator of other processors may show another folder under
 * the name `/`, without the files of the system.
 */
export const ownRoot = '/proc/self/root'

/** The path to the very file or folder that a handle holds. */
export function descriptorPath(handle: FileHandle): string {
  return `${openFiles}/${handle.fd}`
}

/** Whether {@link descriptorPath} works: it does not where /proc is not mounted. */
export async function hasDescriptorPaths(): Promise<boolean> {
  try {
    await lstat(openFiles)
    return true
  } catch {
    return false
  }
}

/** Throws `NOT_SUPPORTED` where paths cannot be walked by descriptors. */
export async function needDescriptorPaths(): Promise<void> {
  if (await hasDescriptorPaths()) return
  throw new AgentError(
    'NOT_SUPPORTED',
    'File actions need /proc, to use the very file whose path was checked, and it is not mounted. Run: mount -t proc proc /proc',
  )
}

/**
 * Holds the file or folder `path` (a link itself) without opening it for reading or writing, so that neither a device nor a FIFO
 * notices.
 */
export async function holdEntry(path: string): Promise<FileHandle> {
  try {
    // With O_DIRECTORY the system mounts a folder that is mounted on its first use.
    return await open(pathBytes(path), O_PATH | O_NOFOLLOW | O_DIRECTORY)
  } catch (error) {
    const errno = errnoOf(error)
    if (errno !== 'ENOTDIR' && errno !== 'ELOOP') throw error
    return open(pathBytes(path), O_PATH | O_NOFOLLOW)
  }
}

/** Holds a folder, and nothing but a folder. Throws `ENOTDIR` for anything else, also for a link that is not followed. */
export function holdFolder(path: string, options: { readonly followLinks: boolean }): Promise<FileHandle> {
  return open(pathBytes(path), O_PATH | O_DIRECTORY | (options.followLinks ? 0 : O_NOFOLLOW))
}
