// SPDX-License-Identifier: Apache-2.0
import { basename, dirname, join, resolve } from 'node:path'
import { AgentError } from '../../base/errors.ts'
import { type FileFacts, isTrustedOwner } from '../../platform/files/file-facts.ts'
import { newFileMode } from '../../platform/files/new-file.ts'
import type { MissingFolders } from '../../platform/held/make-way.ts'
import { leadsToOpenFile } from '../../platform/held/open-file-link.ts'
import type { TransferFiles } from '../../platform/held/transfer-files.ts'
import type { TransferFolder } from '../../platform/held/transfer-folder.ts'
import { checkPlainName } from './file-name.ts'

/** Where a download goes. */
export interface Destination {
  readonly path: string
  /** The folder that the download goes to, or the nearest existing one above it; held open until the download ends, over all tries. */
  readonly folder: TransferFolder
  /** The folders missing below it. They are made when there is a file to put there. */
  readonly missing: MissingFolders
  /** The name of the file in the last of them. */
  readonly name: string
  /** Permission bits of the regular file that will be replaced. */
  readonly mode: number | undefined
}

/**
 * Settles where a download goes: the given path, or `name` inside it when the path is a folder or ends with `/`.
 * A symbolic link there is replaced, never followed, unless a `/` at the end means the folder that it leads to.
 * The caller closes the folder.
 */
export async function settleDestination(files: TransferFiles, given: string, name: string): Promise<Destination> {
  if (typeof given !== 'string' || given === '') throw new AgentError('INVALID_ARGUMENT', 'The destination is empty.')
  const saysFolder = given.endsWith('/')
  const facts = await files.look(given, { followLinks: saysFolder })
  if (facts?.kind !== 'folder') {
    if (saysFolder && facts !== undefined)
      throw new AgentError('FILE_ACCESS', `${given} is not a folder.`, {
        details: { path: given },
        remedy: 'Leave the "/" at its end out, or name a folder.',
      })
    if (!saysFolder) return place(files, resolve(given))
  }
  checkPlainName(name)
  return place(files, join(resolve(given), name))
}

async function place(files: TransferFiles, path: string): Promise<Destination> {
  const folder = dirname(path)
  const name = path.slice(folder.length).replace(/^\//, '')
  const { above, names } = await whatIsThere(files, folder)
  const missing = { names, mode: folderModeFrom(await newFileMode()) }
  const held = await files.openFolder(above)
  try {
    if (names.length > 0) return { path, folder: held, missing, name, mode: undefined }
    // The root itself has no name in a folder.
    const facts = name === '' ? await files.look(path, { followLinks: false }) : await held.look(name)
    if (facts?.kind !== 'link') return { path, folder: held, missing, name, mode: modeToReplace(path, facts) }
    const behind = await files.look(path, { followLinks: true }).catch(() => undefined)
    if (behind?.kind === 'folder')
      throw refused(path, 'is a symbolic link to a folder; end it with / to put the file into that folder')
    if (behind?.kind === 'other' || (await leadsToOpenFile(path)))
      throw refused(
        path,
        'is a symbolic link to a device, a pipe, a socket or an open file of a process, and will not be replaced by a file; name a file of its own, and read that afterwards',
      )
    return { path, folder: held, missing, name, mode: undefined }
  } catch (error) {
    await held.close()
    throw error
  }
}

/** The last folder of a path that exists, and the names below it that do not. */
async function whatIsThere(files: TransferFiles, folder: string): Promise<{ above: string; names: string[] }> {
  const names: string[] = []
  for (let at = folder; ; at = dirname(at)) {
    const facts = await files.look(at, { followLinks: true })
    if (facts?.kind === 'folder') return { above: at, names }
    if (facts !== undefined) throw noFolder(at, 'is not a folder')
    if ((await files.look(at, { followLinks: false })) !== undefined)
      throw noFolder(at, 'is a symbolic link that leads nowhere')
    names.unshift(basename(at))
  }
}

/** Who may read a new file may enter its folder. */
function folderModeFrom(fileMode: number): number {
  return fileMode | ((fileMode & 0o444) >> 2)
}

/**
 * The permission bits that the new file takes from the file that it replaces.
 *
 * @param facts of what stands at `path`, no link
 * @throws AgentError `INVALID_ARGUMENT` for what no file may replace
 */
export function modeToReplace(path: string, facts: FileFacts | undefined): number | undefined {
  if (facts === undefined) return undefined
  if (facts.kind === 'folder') throw refused(path, 'is a folder and will not be replaced by a file')
  if (facts.kind !== 'file') throw refused(path, 'is a device, socket or pipe and will not be replaced by a file')
  // The new file belongs to the agent: a user who made their own file readable by all has not done so for this one.
  return isTrustedOwner(facts.ownerId) ? facts.mode & 0o777 : facts.mode & 0o755
}

function refused(path: string, why: string): AgentError {
  return new AgentError('INVALID_ARGUMENT', `The destination ${path} ${why}.`, { details: { path } })
}

function noFolder(path: string, why: string): AgentError {
  return new AgentError('FILE_NOT_FOUND', `${path} ${why}, so no folder can be made below it.`, {
    details: { path },
    remedy: 'Name another path, or put what stands there right.',
  })
}
