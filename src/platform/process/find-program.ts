// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { AgentError } from '../../base/errors.ts'
import { fileFacts } from '../files/file-facts.ts'
import { onFile } from '../files/on-file.ts'

/** The path of a program that may be run, in the first of `folders` that has it; undefined when none has. */
export async function findProgram(name: string, folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const path = join(folder, name)
    if ((await fileFacts(path).catch(() => undefined))?.kind !== 'file') continue
    const mayRun = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (mayRun) return path
  }
  return undefined
}

/**
 * Checks that a program exists, for a start through a shell, which would not report that.
 *
 * @param file a path, from `/` on when it is a relative one, or a name that is looked for in the folders of `searchPath` (`a:b:c`)
 * @throws AgentError `FILE_NOT_FOUND`, `FILE_ACCESS`
 */
export async function checkProgram(file: string, searchPath: string): Promise<void> {
  if (file.includes('/')) return await onFile('run', file, () => access(resolve('/', file), constants.X_OK))
  if ((await findProgram(file, searchPath.split(':'))) === undefined)
    throw new AgentError('FILE_NOT_FOUND', `Cannot run ${file}: it is in none of ${searchPath}.`, {
      remedy: 'Install it, or give its full path.',
    })
}
