import { AgentError } from '../base/errors.ts'
import type { PathGuard } from './actions/file-download.ts'

/** Says of a refused absolute path why none is allowed, when a mistake in the configuration has closed them. */
export function withClosedPaths(guard: PathGuard, why: () => string | undefined): PathGuard {
  return {
    async admit(path, options) {
      try {
        return await guard.admit(path, options)
      } catch (error) {
        const closed = options.relative ? undefined : why()
        if (closed === undefined || !(error instanceof AgentError) || error.code !== 'PATH_REFUSED') throw error
        throw new AgentError('PATH_REFUSED', `${path}: absolute paths are ${closed}`, { details: { path } })
      }
    },
  }
}
