import { basename, dirname, join } from 'node:path'
import { AgentError } from '../base/errors.ts'
import type { PathGuard } from './actions/file-download.ts'
import { isInside } from './transfer-paths.ts'

/** More links than this in one path are a loop or an attack; the kernel itself gives up at 40. */
const mostMissingParts = 256

/**
 * Decides by what is on the disk whether a transfer may touch a path: links are followed first, so that a link inside the
 * folder of a relative path cannot lead out of it, and one below an allowed folder cannot either.
 *
 * @param parts.realPath the path with every link resolved, or undefined when it does not exist
 * @param parts.allow `file_transfer.allow`: the absolute folders (or files) that actions may name
 */
export function pathGuard(parts: {
  readonly realPath: (path: string) => Promise<string | undefined>
  readonly allow: () => readonly string[]
}): PathGuard {
  const resolve = async (path: string) => (await resolveExisting(path, parts.realPath)) ?? path
  return {
    async admit(path, { folder, relative }) {
      const real = await resolve(path)
      if (isInside(real, await resolve(folder))) return real
      if (relative) throw refused(path, `a link in it leads out of ${folder}, to ${real}`)
      for (const allowed of parts.allow()) if (isInside(real, await resolve(allowed))) return real
      const why =
        real === path
          ? 'file_transfer.allow does not name it'
          : `it leads to ${real}, which file_transfer.allow does not name`
      throw refused(path, why)
    },
  }
}

/** The path with the links of its existing part resolved; what does not exist yet is added as it is. */
async function resolveExisting(
  path: string,
  realPath: (path: string) => Promise<string | undefined>,
): Promise<string | undefined> {
  const missing: string[] = []
  for (let part = path; missing.length < mostMissingParts; part = dirname(part)) {
    const real = await realPath(part)
    if (real !== undefined) return join(real, ...missing.reverse())
    if (dirname(part) === part) return undefined
    missing.push(basename(part))
  }
  throw refused(path, 'it has too many parts')
}

function refused(path: string, why: string): AgentError {
  return new AgentError('PATH_REFUSED', `${path}: ${why}`, { details: { path } })
}
