import { constants } from 'node:fs'
import { type FileHandle, lstat, open } from 'node:fs/promises'
import { AgentError, errnoOf } from '../../../base/errors.ts'
import { pathBytes } from '../name-bytes.ts'

const { O_DIRECTORY, O_NOFOLLOW } = constants

/** Names a file without opening it for anything. Node does not have it among its constants; it is the same on all our targets. */
export const O_PATH = 0o10000000

/** Where the system shows the open files of this process. What is named below one of them stays there, whatever becomes of its path. */
const openFiles = '/proc/self/fd'

/**
 * The root of the file system as the kernel has it for this process. An emulator of other processors may show a folder of its
 * own under the name `/`, in which the files of the system are not.
 */
export const ownRoot = '/proc/self/root'

/** The path that leads to what a handle holds, and nowhere else. */
export function descriptorPath(handle: FileHandle): string {
  return `${openFiles}/${handle.fd}`
}

/** Whether {@link descriptorPath} leads anywhere: not where /proc is not mounted. */
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
    'file actions need /proc, to see that a path which was checked is the one that is used. Mount it: mount -t proc proc /proc',
  )
}

/**
 * Takes hold of what `path` names, a link itself included: nothing is opened for reading or writing, so that neither a device
 * nor a FIFO notices.
 */
export async function holdEntry(path: string): Promise<FileHandle> {
  try {
    // In this form a folder that is mounted when somebody enters it is mounted.
    return await open(pathBytes(path), O_PATH | O_NOFOLLOW | O_DIRECTORY)
  } catch (error) {
    const errno = errnoOf(error)
    if (errno !== 'ENOTDIR' && errno !== 'ELOOP') throw error
    return open(pathBytes(path), O_PATH | O_NOFOLLOW)
  }
}

/** Takes hold of a folder and of nothing else. Throws `ENOTDIR` for a link. */
export function holdFolder(path: string, options: { readonly followLinks: boolean }): Promise<FileHandle> {
  return open(pathBytes(path), O_PATH | O_DIRECTORY | (options.followLinks ? 0 : O_NOFOLLOW))
}
