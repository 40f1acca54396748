import { constants } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
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
