// SPDX-License-Identifier: Apache-2.0
import { dirname, extname, resolve } from 'node:path'
import { AgentError } from '../../base/errors.ts'
import { realPath } from '../../platform/files/contained-path.ts'
import { fileFacts } from '../../platform/files/file-facts.ts'
import { checkWritable } from '../../platform/files/folders.ts'

/** A file that is to be written. */
export interface FileToWrite {
  /** Absolute, as the caller named it. */
  readonly path: string
  /** The real path behind links: a link stays, because systems with a read-only root keep the real file elsewhere. */
  readonly target: string
  readonly exists: boolean
}

/**
 * Where a file of this name would be written; `.cfg` is added to a name without an ending. Called before the person is asked for the
 * content.
 *
 * @throws AgentError `FILE_NOT_FOUND`, `FILE_ACCESS`, `PATH_REFUSED`, when nothing can be written there
 */
export async function fileToWrite(name: string): Promise<FileToWrite> {
  const isFolder = name.endsWith('/') || (await fileFacts(resolve(name)))?.kind === 'folder'
  if (isFolder) throw new AgentError('FILE_ACCESS', `${name} names a folder, not a file.`)
  const path = resolve(extname(name) === '' ? `${name}.cfg` : name)
  const target = await realPath(path)
  const facts = await fileFacts(target)
  if (facts?.kind === 'folder') throw new AgentError('FILE_ACCESS', `${path} is a folder, not a file.`)
  const folder = dirname(target)
  const above = await fileFacts(folder)
  if (above === undefined) throw new AgentError('FILE_NOT_FOUND', `The folder ${folder} does not exist.`)
  if (above.kind !== 'folder') throw new AgentError('FILE_ACCESS', `${folder} is not a folder.`)
  await checkWritable(folder)
  return { path, target, exists: facts !== undefined }
}
