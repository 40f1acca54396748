// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { type FileFacts, openFileFacts } from '../files/file-facts.ts'
import { onFile } from '../files/on-file.ts'
import { syncWhole, writeWhole } from '../files/write-whole.ts'

/** A temporary file that no other user can read, guess or replace. */
export interface PrivateFile {
  /** In its folder. */
  readonly name: string
  facts(): Promise<FileFacts>
  /** Writes all of `bytes` at `position`. */
  write(bytes: Uint8Array, position: number): Promise<void>
  /** Drops everything from `bytes` on. */
  truncate(bytes: number): Promise<void>
  /** Forces everything written so far to the disk; writes may go on meanwhile. */
  sync(): Promise<void>
  /** Sets the permission bits and forces the content, which has `bytes` bytes, to the disk. */
  seal(mode: number, bytes: number): Promise<void>
  close(): Promise<void>
}

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants

/**
 * Creates `PREFIX<16 random hex digits>SUFFIX`, mode 0600.
 *
 * @param folder.path how messages call the folder
 * @param folder.at the path of a name in it
 * @param onName gets the name before the file exists
 */
export async function createPrivateFile(
  folder: { readonly path: string; readonly at: (name: string) => string },
  prefix: string,
  suffix: string,
  onName?: (name: string) => void,
): Promise<PrivateFile> {
  const name = `${prefix}${randomBytes(8).toString('hex')}${suffix}`
  onName?.(name)
  const path = `${folder.path}/${name}`
  const handle = await onFile('create a file in', folder.path, () =>
    open(folder.at(name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600),
  )
  return {
    name,
    facts: () => onFile('look at', path, () => openFileFacts(handle)),
    write: (bytes, position) => onFile('write', path, () => writeWhole(handle, bytes, position)),
    truncate: bytes => onFile('truncate', path, () => handle.truncate(bytes)),
    sync: () => onFile('write', path, () => handle.datasync()),
    seal: (mode, bytes) =>
      onFile('write', path, async () => {
        await handle.chmod(mode)
        await syncWhole(handle, bytes)
      }),
    close: () => handle.close(),
  }
}
