// SPDX-License-Identifier: Apache-2.0
import { chmod, type FileHandle, mkdtemp, rename, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { AgentError, errnoOf } from '../../base/errors.ts'
import { fileFacts } from '../files/file-facts.ts'
import { onFile } from '../files/on-file.ts'
import { descriptorPath, hasDescriptorPaths, holdFolder } from '../held/descriptor.ts'
import { currentFolderIfThere, userId } from './process-facts.ts'
import { maxAddressBytes } from './socket-answer.ts'

/**
 * The address by which a socket file can be reached: its path, or the way there from the current folder when that is shorter.
 *
 * @throws AgentError `LIMIT_EXCEEDED` when both are too long for a Unix socket
 */
export function socketAddress(path: string): string {
  const here = currentFolderIfThere()
  const fromHere = here === undefined ? path : relative(here, path)
  const address = Buffer.byteLength(fromHere) < Buffer.byteLength(path) ? fromHere : path
  if (Buffer.byteLength(address) <= maxAddressBytes) return address
  const message = `${path} is too long for a Unix socket: it may have ${maxAddressBytes} bytes.`
  throw new AgentError('LIMIT_EXCEEDED', message, {
    details: { path, maxBytes: maxAddressBytes },
    remedy: 'Choose a folder with a shorter path.',
  })
}

/** The errors of a file system that holds no sockets. */
const noSockets = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL']

/** A socket file that only its owner can open, at any moment. */
export interface SocketPlace {
  /**
   * Calls `listen` with an address that only this user can reach, gives the socket mode 0600, and moves it to its path:
   * in place of the socket of a crashed process, and never of anything else.
   *
   * @throws AgentError `LIMIT_EXCEEDED` (path too long), `NOT_SUPPORTED` (the file system holds no sockets), `FILE_ACCESS`,
   *   `DISK_FULL`
   */
  claim(listen: (address: string) => Promise<void>): Promise<void>
  /** Removes the socket file. */
  clear(): Promise<void>
}

/** The place of a socket file. The caller must have made sure that no other process uses it. */
export function socketPlace(path: string): SocketPlace {
  return {
    async claim(listen) {
      socketAddress(path)
      const present = await fileFacts(path, { followLinks: false })
      if (present !== undefined && present.kind !== 'other')
        throw new AgentError('FILE_ACCESS', `Cannot make the socket ${path}: there is something else of this name.`, {
          remedy: 'Look at it, and move it away.',
        })
      await onFile('make the socket', path, async () => {
        // Between its creation and its chmod a socket has the mode that the umask leaves: no other user may reach it then.
        const folder = await mkdtemp(join(dirname(path), '.sock-'))
        const held = await holdOwn(folder, path)
        try {
          const inside = (await hasDescriptorPaths()) ? descriptorPath(held) : folder
          await listen(socketAddress(join(folder, 's'))).catch(error => {
            throw noSockets.includes(errnoOf(error) ?? '') ? withoutSockets(path, error) : error
          })
          try {
            await chmod(join(inside, 's'), 0o600)
            await rename(join(inside, 's'), path)
          } finally {
            await rm(join(inside, 's'), { force: true })
          }
        } finally {
          await held.close()
          await rmdir(folder)
        }
      })
    },
    clear: () => onFile('remove', path, () => rm(path, { force: true })),
  }
}

function withoutSockets(path: string, cause?: unknown): AgentError {
  const message = `Cannot make the socket ${path}: its file system holds no sockets, like FAT and many network file systems.`
  const remedy = 'Give runtime_dir a folder on a file system of Linux, such as ext4 or tmpfs.'
  return new AgentError('NOT_SUPPORTED', message, { cause, details: { path }, remedy })
}

/** Holds the folder that was made, and not one that another user has put in its place: only this user can write in it. */
async function holdOwn(folder: string, path: string): Promise<FileHandle> {
  const held = await holdFolder(folder, { followLinks: false })
  const { uid, mode } = await held.stat()
  if (uid === userId() && (mode & 0o077) === 0) return held
  await held.close()
  // This user has made it private just now, so its file system keeps no modes.
  if (uid === userId()) {
    await rmdir(folder).catch(() => {})
    throw withoutSockets(path)
  }
  throw new AgentError(
    'FILE_ACCESS',
    `${folder} was replaced while a socket was made in it, or its file system keeps no owners.`,
    { remedy: 'Find out which program changes that folder, or use a file system of Linux.' },
  )
}

/** Whether a name is that of a temporary folder of {@link socketPlace}, which a process that crashed has left. */
export function isSocketLeftover(name: string): boolean {
  return /^\.sock-\w{6}$/.test(basename(name))
}
