import type { FileHandle } from 'node:fs/promises'
import { AgentError } from '../../../base/errors.ts'
import { type FileFacts, type FileIdentity, isOpenToOthers, isTrustedOwner } from '../file-facts.ts'
import { openHeldFile, type ReadableFile } from './readable-file.ts'
import { HeldFolder, type TransferFolder } from './transfer-folder.ts'

/** A folder on the way, as its descriptor told it. None of them is a link. */
export interface PassedFolder extends FileIdentity {
  /** Absolute. */
  readonly path: string
  readonly ownerId: number
  /** Who could have put it where it is, beside root and the agent's user: nobody, one user, or several. */
  readonly movableBy: number | 'several' | undefined
  /** Somebody else may put things into it. */
  readonly isOpenToOthers: boolean
}

/** Where a way ended, if not in a folder. */
export interface WalkEnd {
  /** Something that is no folder. */
  readonly file?: { readonly name: string; readonly facts: FileFacts; readonly handle: FileHandle }
  /** The parts that are not there, the first one missing from the last folder. */
  readonly missing: readonly string[]
  readonly failure?: AgentError
}

/** What is held at the end of a way: the last folder of it and, when the path names a file, that. Close it. */
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

  /** The last folder of the way: what is named, or where it lies or would lie. */
  get last(): PassedFolder {
    const last = this.way.at(-1)
    if (last === undefined) throw new AgentError('INTERNAL', 'a way without a beginning')
    return last
  }

  /** The file (or device, socket, pipe) that is named; undefined for a folder, and for nothing. */
  get file(): { readonly name: string; readonly facts: FileFacts } | undefined {
    return this.#file
  }

  /** The real path of what is named, or would be. */
  get path(): string {
    const names = [...(this.#file === undefined ? [] : [this.#file.name]), ...this.missing]
    const { path } = this.last
    if (names.length === 0) return path
    return `${path === '/' ? '' : path}/${names.join('/')}`
  }

  /** The last folder, for whoever goes on with that alone, and closes it. */
  async keepFolder(): Promise<TransferFolder> {
    await this.#file?.handle.close()
    return this.folder
  }

  /** Opens the very file that was walked to. */
  async openFile(): Promise<ReadableFile> {
    if (this.#file === undefined) throw new AgentError('INTERNAL', `${this.path} was not found to be a file`)
    return openHeldFile(this.path, this.#file.handle)
  }

  readonly close = async (): Promise<void> => {
    await this.#file?.handle.close()
    await this.folder.close()
  }
}

/** What the owners and modes on a way say about who else could have changed it. */
export function firmness(
  facts: FileFacts,
  above?: { readonly folder: PassedFolder; readonly facts: FileFacts },
): Omit<PassedFolder, 'path'> {
  const { device, inode, ownerId } = facts
  const movableBy = above === undefined ? undefined : both(above.folder.movableBy, moverIn(above.facts, facts))
  return { device, inode, ownerId, movableBy, isOpenToOthers: isOpenToOthers(facts) }
}

const stickyBit = 0o1000

/** Who, beside root and the user of this process, can rename what is in a folder, and put something else in its place. */
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
