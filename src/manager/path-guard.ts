import { AgentError } from '../base/errors.ts'
import { isBelow, realPath } from '../platform/contained-path.ts'
import type { PathGuard } from './actions/file-download.ts'

/**
 * Decides by what is on the disk whether a transfer may touch a path: links are followed first, so that one inside the
 * folder of a relative path cannot lead out of it, and one below an allowed folder cannot either.
 *
 * @param parts.allow `file_transfer.allow`: the absolute folders (or files) that actions may name
 */
export function pathGuard(parts: { readonly allow: () => readonly string[] }): PathGuard {
  return {
    async admit(path, { folder, relative }) {
      const real = await realPath(path)
      if (isBelow(await realPath(folder), real)) return real
      if (relative) throw refused(path, `a link in it leads out of ${folder}, to ${real}`)
      for (const allowed of parts.allow()) if (isBelow(await realPath(allowed), real)) return real
      const unnamed = 'which file_transfer.allow of the connection file does not name'
      throw refused(path, real === path ? `it is a path ${unnamed}` : `it leads to ${real}, ${unnamed}`)
    },
  }
}

function refused(path: string, why: string): AgentError {
  return new AgentError('PATH_REFUSED', `${path}: ${why}`, { details: { path } })
}
