import { AgentError } from '../../base/errors.ts'
import type { NamedPath } from './reach/index.ts'

/**
 * Says of a refused absolute path why none is allowed, when a mistake in the configuration has closed them.
 *
 * @param whyRuntime why not even the runtime folder is used
 */
export function withClosedPaths<Named extends NamedPath, Result>(
  take: (named: Named) => Promise<Result>,
  why: () => string | undefined,
  whyRuntime: () => string | undefined,
): (named: Named) => Promise<Result> {
  return async named => {
    const none = whyRuntime()
    if (none !== undefined)
      throw new AgentError('PATH_REFUSED', `${named.path}: ${none}`, { details: { path: named.path } })
    try {
      return await take(named)
    } catch (error) {
      const closed = named.relative ? undefined : why()
      if (closed === undefined || !(error instanceof AgentError) || error.code !== 'PATH_REFUSED') throw error
      const { path } = named
      throw new AgentError('PATH_REFUSED', `${path}: absolute paths are ${closed}`, { details: { path } })
    }
  }
}
