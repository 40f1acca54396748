import { dirname, extname, resolve } from 'node:path'
import { AgentError } from '../base/errors.ts'
import { realPath } from '../platform/files/contained-path.ts'
import { fileFacts } from '../platform/files/file-facts.ts'
import { checkWritable } from '../platform/files/folders.ts'

/** A file that is about to be written. */
export interface FileToWrite {
  /** Absolute, as it was named. */
  readonly path: string
  /** Where it really is: a link stays a link, because systems with a read-only root keep the real file elsewhere. */
  readonly target: string
  readonly exists: boolean
}

/**
 * Where a file of this name would be written; `.cfg` is added to a name without an ending. Looked at before anybody is asked
 * for what is to stand in it.
 *
 * @throws AgentError `FILE_NOT_FOUND`, `FILE_ACCESS`, `PATH_REFUSED`, when nothing can be written there
 */
export async function fileToWrite(name: string): Promise<FileToWrite> {
  const isFolder = name.endsWith('/') || (await fileFacts(resolve(name)))?.kind === 'folder'
  if (isFolder) throw new AgentError('FILE_ACCESS', `${name} names a folder, not a file`)
  const path = resolve(extname(name) === '' ? `${name}.cfg` : name)
  const target = await realPath(path)
  const facts = await fileFacts(target)
  if (facts?.kind === 'folder') throw new AgentError('FILE_ACCESS', `${path} is a folder, not a file`)
  const folder = dirname(target)
  const above = await fileFacts(folder)
  if (above === undefined) throw new AgentError('FILE_NOT_FOUND', `the folder ${folder} does not exist`)
  if (above.kind !== 'folder') throw new AgentError('FILE_ACCESS', `${folder} is no folder`)
  await checkWritable(folder)
  return { path, target, exists: facts !== undefined }
}
