// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { pathBytes } from './name-bytes.ts'

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants

/**
 * Gives a folder that was just made the permission bits that the umask took away. By descriptor: where another user can write, its
 * name may be that of a link by now, and the mode of the link's target must not change. Throws `ENOTDIR` then.
 */
export async function settleMode(path: string, mode: number): Promise<void> {
  const folder = await open(pathBytes(path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  try {
    if (((await folder.stat()).mode & 0o777) !== mode) await folder.chmod(mode)
  } finally {
    await folder.close()
  }
}
