// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs'
import { mkdir, open, readFile } from 'node:fs/promises'
import { onFile } from './on-file.ts'
import { settleMode } from './settle-mode.ts'
import { writeWhole } from './write-whole.ts'

/** A file that is being written for the first time. */
export interface NewFile {
  /** Adds `bytes`, all of them. */
  write(bytes: Uint8Array): Promise<void>
  /** Forces the content to the disk. */
  sync(): Promise<void>
  close(): Promise<void>
}

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants

/**
 * Creates `path`, which must not exist; a link is not followed.
 *
 * @param mode permission bits, whatever the umask is
 * @throws AgentError `FILE_ACCESS`, `FILE_NOT_FOUND` (no such folder), `DISK_FULL`; also the functions of the file
 */
export async function createNewFile(path: string, mode: number): Promise<NewFile> {
  const handle = await onFile('create', path, () => open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600))
  return {
    write: bytes => onFile('write', path, () => writeWhole(handle, bytes)),
    sync: () =>
      onFile('write', path, async () => {
        await handle.chmod(mode)
        await handle.sync()
      }),
    close: () => handle.close(),
  }
}

/** Makes a folder that must not exist, for its owner alone. The one above it must exist. */
export function createNewFolder(path: string): Promise<void> {
  return onFile('make the folder', path, async () => {
    await mkdir(path, { mode: 0o700 })
    await settleMode(path, 0o700)
  })
}

/** The mode that a new file gets by default: 0666 without the bits of the umask. */
export async function newFileMode(): Promise<number> {
  // umask(2) sets it to 0 for a moment to read it, in which another thread may create a file open to all.
  const status = await readFile('/proc/self/status', 'latin1').catch(() => '')
  const umask = /^Umask:\s*([0-7]+)$/m.exec(status)?.[1]
  // Linux before 4.7 does not show it there.
  return 0o666 & ~(umask === undefined ? process.umask() : Number.parseInt(umask, 8))
}
