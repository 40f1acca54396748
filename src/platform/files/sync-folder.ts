// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, fsyncSync, openSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { errnoOf } from '../../base/errors.ts'
import { pathBytes } from './name-bytes.ts'
import { onFile } from './on-file.ts'

const { O_RDONLY, O_DIRECTORY } = constants

/** What network and FUSE file systems answer that cannot sync a folder. There is nothing more that a program could do there. */
const noFolderSync = ['EINVAL', 'ENOTSUP', 'ENOSYS']

/**
 * Makes what was created, renamed or removed in a folder survive a power cut, as far as its file system can.
 *
 * @param at the path by which the folder is reached now, where that is not the one that users know
 * @throws AgentError `FILE_NOT_FOUND`, `FILE_ACCESS`, `DISK_FULL`
 */
export function syncFolder(folder: string, at = folder): Promise<void> {
  return onFile('sync', folder, async () => {
    const handle = await open(pathBytes(at), O_RDONLY | O_DIRECTORY)
    try {
      await handle.sync()
    } catch (error) {
      throwUnlessNoFolderSync(error)
    } finally {
      await handle.close()
    }
  })
}

/** As {@link syncFolder}, synchronously. Throws errors of the system. */
export function syncFolderNow(folder: string): void {
  const descriptor = openSync(pathBytes(folder), O_RDONLY | O_DIRECTORY)
  try {
    fsyncSync(descriptor)
  } catch (error) {
    throwUnlessNoFolderSync(error)
  } finally {
    closeSync(descriptor)
  }
}

function throwUnlessNoFolderSync(error: unknown): void {
  if (!noFolderSync.includes(errnoOf(error) ?? '')) throw error
}
