// SPDX-License-Identifier: Apache-2.0
import { readlink, symlink } from 'node:fs/promises'
import { errnoOf } from '../../base/errors.ts'
import { fileFailure } from './file-failure.ts'
import { nameOf, pathBytes } from './name-bytes.ts'
import { onFile } from './on-file.ts'

/**
 * The target of a link, as it is written in it; undefined when there is no link of this name (any more). Throws `FILE_ACCESS`.
 *
 * @param shown how messages call the path, where that is not the one by which it is reached
 */
export async function readLink(path: string, shown = path): Promise<string | undefined> {
  try {
    return nameOf(await readlink(pathBytes(path), { encoding: 'buffer' }))
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'EINVAL') return undefined
    throw fileFailure('look at', shown, error)
  }
}

/** Makes a symbolic link; false when something has that name already. Throws `FILE_ACCESS`, `FILE_NOT_FOUND` (no such folder). */
export function makeLink(path: string, leadsTo: string): Promise<boolean> {
  return onFile('make the link', path, async () => {
    try {
      await symlink(leadsTo, path)
      return true
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return false
      throw error
    }
  })
}
