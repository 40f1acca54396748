// SPDX-License-Identifier: Apache-2.0
import { lstat, realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { AgentError, errnoOf } from '../../base/errors.ts'
import { fileFailure } from './file-failure.ts'

/** Whether `path` is `folder` or something in it, by names alone: both are absolute, with their links resolved. */
export function isBelow(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep)
}

/**
 * The absolute path without any link in it. Parts that do not exist yet stay as written, so that a new file can be named; a link
 * that leads nowhere is refused, because a file that is written through it lands where it points.
 *
 * @throws AgentError `PATH_REFUSED`, `FILE_ACCESS`
 */
export async function realPath(path: string): Promise<string> {
  if (path.includes('\0')) throw refused(path, 'it has a NUL character')
  const missing: string[] = []
  for (let at = resolve(path); ; at = dirname(at)) {
    try {
      return join(await realpath(at), ...missing)
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw fileFailure('look at', path, error)
      if (await isLink(at)) throw refused(path, 'it goes through a link that leads nowhere')
      missing.unshift(basename(at))
    }
  }
}

function refused(path: string, why: string): AgentError {
  return new AgentError('PATH_REFUSED', `The path ${JSON.stringify(path)} is refused: ${why}.`, { details: { path } })
}

async function isLink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink()
  } catch {
    return false
  }
}
