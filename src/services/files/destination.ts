import { dirname, join, resolve } from 'node:path'
import { AgentError } from '../../base/errors.ts'
import type { TransferFiles } from '../../platform/transfer-files.ts'
import { checkPlainName } from './file-name.ts'

/** Where a download goes. */
export interface Destination {
  readonly path: string
  readonly folder: string
  /** Permission bits of the regular file that will be replaced. */
  readonly mode: number | undefined
}

/**
 * Settles where a download goes: the path as given, or `name` inside of it when it is a folder.
 * A symbolic link there is replaced itself, never followed, unless a `/` at the end says that the folder behind it is meant.
 */
export async function settleDestination(files: TransferFiles, given: string, name: string): Promise<Destination> {
  if (typeof given !== 'string' || given === '') throw new AgentError('INVALID_ARGUMENT', 'the destination is empty')
  const saysFolder = given.endsWith('/')
  const facts = await files.look(given, { followLinks: saysFolder })
  if (facts === undefined && saysFolder) throw noFolder(given)
  if (facts?.kind !== 'folder') {
    if (saysFolder) throw new AgentError('FILE_ACCESS', `${given} is not a folder`, { details: { path: given } })
    return place(files, resolve(given))
  }
  checkPlainName(name)
  return place(files, join(resolve(given), name))
}

async function place(files: TransferFiles, path: string): Promise<Destination> {
  const folder = dirname(path)
  if ((await files.look(folder, { followLinks: true }))?.kind !== 'folder') throw noFolder(folder)
  const facts = await files.look(path, { followLinks: false })
  if (facts?.kind === 'link') {
    const behind = await files.look(path, { followLinks: true }).catch(() => undefined)
    if (behind?.kind !== 'folder') return { path, folder, mode: undefined }
    throw refused(path, 'is a symbolic link to a folder; end it with / to put the file into that folder')
  }
  if (facts?.kind === 'folder') throw refused(path, 'is a folder and will not be replaced by a file')
  if (facts?.kind === 'other') throw refused(path, 'is a device, socket or pipe and will not be replaced by a file')
  return { path, folder, mode: facts?.mode }
}

function refused(path: string, why: string): AgentError {
  return new AgentError('INVALID_ARGUMENT', `the destination ${path} ${why}`, { details: { path } })
}

function noFolder(path: string): AgentError {
  return new AgentError('FILE_NOT_FOUND', `the folder ${path} does not exist`, { details: { path } })
}
