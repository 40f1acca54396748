// SPDX-License-Identifier: Apache-2.0
import type { FileHandle } from 'node:fs/promises'
import { AgentError } from '../../base/errors.ts'
import { type FileFacts, type FileIdentity, isOpenToOthers, isTrustedOwner } from '../files/file-facts.ts'
import { openHeldFile, type ReadableFile } from './readable-file.ts'
import { HeldFolder, type TransferFolder } from './transfer-folder.ts'

/** A folder on the way, as its descriptor showed it. None of them is a link. */
export interface PassedFolder extends FileIdentity {
  /** Absolute. */
  readonly path: string
  readonly ownerId: number
  /** The user beside root and the agent's own who could have put it there: undefined for none. */
  readonly movableBy: number | 'several' | undefined
  /** Another user may put things into it. */
  readonly isOpenToOthers: boolean
}

/** Where a walk ended, if not in a folder. */
export interface WalkEnd {
  /** Anything but a folder. */
  readonly file?: { readonly name: string; readonly facts: FileFacts; readonly handle: FileHandle }
  /** The parts that do not exist, the first one missing from the last folder. */
  readonly missing: readonly string[]
  readonly failure?: AgentError
}

/** The end of a walk, held open: the last folder on it and, when the path names a file, that file. The caller closes it. */
export class Walked {
  /** From the root of the file system to the last folder. */
  readonly way: readonly PassedFolder[]
  readonly folder: TransferFolder
  readonly missing: readonly string[]
  readonly failure: AgentError | undefined
  readonly #file: WalkEnd['file']

  /** @param handle of the last folder */
  constructor(way: readonly PassedFolder[], handle: FileHandle, end: WalkEnd) {
    this.way = way
    this.missing = end.missing
    this.failure = end.failure
    this.#file = end.file
    this.folder = new HeldFolder(this.last.path, handle)
  }

  /** The last folder of the way: the named one, or the one in which the named file is or would be. */
  get last(): PassedFolder {
    const last = this.way.at(-1)
    if (last === undefined) throw new AgentError('INTERNAL', 'The way to a path has no beginning.')
    return last
  }

  /** The named file (or device, socket, pipe); undefined for a folder, and when nothing exists. */
  get file(): { readonly name: string; readonly facts: FileFacts } | undefined {
    return this.#file
  }

  /** The real path of the named file or folder, also where it does not exist. */
  get path(): string {
    const names = [...(this.#file === undefined ? [] : [this.#file.name]), ...this.missing]
    const { path } = this.last
    if (names.length === 0) return path
    return `${path === '/' ? '' : path}/${names.join('/')}`
  }

  /** The last folder, for a caller that goes on with that alone, and closes it. */
  async keepFolder(): Promise<TransferFolder> {
    await this.#file?.handle.close()
    return this.folder
  }

  /** Opens the very file that was walked to. */
  async openFile(): Promise<ReadableFile> {
    if (this.#file === undefined) throw new AgentError('INTERNAL', `${this.path} is not a file.`)
    return openHeldFile(this.path, this.#file.handle)
  }

  readonly close = async (): Promise<void> => {
    await this.#file?.handle.close()
    await this.folder.close()
  }
}

/** Which other users could have changed a way, by its owners and modes. */
export function firmness(
  facts: FileFacts,
  above?: { readonly folder: PassedFolder; readonly facts: FileFacts },
): Omit<PassedFolder, 'path'> {
  const { device, inode, ownerId } = facts
  const movableBy = above === undefined ? undefined : both(above.folder.movableBy, moverIn(above.facts, facts))
  return { device, inode, ownerId, movableBy, isOpenToOthers: isOpenToOthers(facts) }
}

const stickyBit = 0o1000

/** The users beside root and that of this process who can replace an entry of a folder. */
function moverIn(folder: FileFacts, entry: FileFacts): PassedFolder['movableBy'] {
  const owner = otherUser(folder)
  if ((folder.mode & 0o022) === 0) return owner
  return (folder.mode & stickyBit) === 0 ? 'several' : both(owner, otherUser(entry))
}

function otherUser({ ownerId }: FileFacts): number | undefined {
  return isTrustedOwner(ownerId) ? undefined : ownerId
}

function both(a: PassedFolder['movableBy'], b: PassedFolder['movableBy']): PassedFolder['movableBy'] {
  if (a === undefined) return b
  return b === undefined || a === b ? a : 'several'
}
