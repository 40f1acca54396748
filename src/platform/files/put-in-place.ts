// SPDX-License-Identifier: Apache-2.0
import { link, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AgentError, errnoOf } from '../../base/errors.ts'
import { fileFacts } from './file-facts.ts'
import { onFile } from './on-file.ts'
import { syncFolder } from './sync-folder.ts'

/** The errors of file systems without hard links (FAT, many network and FUSE file systems). */
const noLinks = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']

/** Whether a hard link was refused because the file system has none. */
export function hasNoLinks(error: unknown): boolean {
  return noLinks.includes(errnoOf(error) ?? '')
}

/**
 * Gives the finished file `from` the name `to` in the same file system, in one step and never in the place of another file.
 *
 * @throws AgentError `FILE_ACCESS` when `to` exists or cannot be made; `from` stays then
 */
export function putInPlace(from: string, to: string): Promise<void> {
  return onFile('create', to, async () => {
    try {
      await link(from, to)
      await rm(from)
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') throw existsAlready(to)
      if (!hasNoLinks(error)) throw error
      if ((await fileFacts(to, { followLinks: false })) !== undefined) throw existsAlready(to)
      await rename(from, to)
    }
    await syncFolder(dirname(to))
  })
}

function existsAlready(path: string): AgentError {
  return new AgentError('FILE_ACCESS', `Cannot create ${path}: it exists already.`, {
    details: { path },
    remedy: 'Name another one, or move the existing one away.',
  })
}
