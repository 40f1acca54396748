import { symlink } from 'node:fs/promises'
import { errnoOf } from '../../base/errors.ts'
import { onFile } from './on-file.ts'

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
