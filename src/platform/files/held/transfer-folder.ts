import { constants } from 'node:fs'
import { chmod, type FileHandle, lstat, mkdir, open, readlink, rename, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { AgentError, errnoOf } from '../../../base/errors.ts'
import { fileFailure } from '../file-failure.ts'
import { namesOf } from '../folder-names.ts'
import { nameOf, pathBytes } from '../name-bytes.ts'
import { onFile } from '../on-file.ts'
import { syncFolder } from '../sync-folder.ts'
import { descriptorPath, hasDescriptorPaths, holdEntry, holdFolder } from './descriptor.ts'
import { createPrivateFile, type PrivateFile } from './private-file.ts'
import { openHeldFile, type ReadableFile, readableFile } from './readable-file.ts'
import { isOpenToOthers, type TransferFacts, transferFacts } from './transfer-facts.ts'

/** Room on a file system; `totalBytes` or `totalFiles` of 0 means that it does not say. */
export interface FreeSpace {
  readonly bytes: number
  readonly totalBytes: number
  readonly files: number
  readonly totalFiles: number
}

/**
 * A folder that is held open: everything is named below it, so that it is the same folder from the first step to the last,
 * whatever somebody does to its path meanwhile. No link in it is followed. Every failure is an `AgentError` that names the path.
 */
export interface TransferFolder {
  /** How it was named, for messages. */
  readonly path: string
  /** Whether a user other than root and the agent's own may put things into it. */
  isOpenToOthers(): Promise<boolean>
  /** What `name` is, or undefined when there is nothing. */
  look(name: string): Promise<TransferFacts | undefined>
  /** The names in it, in the order of the file system; of those that are no UTF-8 see name-bytes.ts. */
  list(): AsyncIterable<string>
  /** A folder in it; the caller closes it. */
  openFolder(name: string): Promise<TransferFolder>
  /** A file in it. Never waits, also not for the writer of a FIFO. */
  openFile(name: string): Promise<ReadableFile>
  /** Where a link leads, as it is written in it; undefined when there is no link of this name (any more). */
  readLink(name: string): Promise<string | undefined>
  /** Makes a folder, for its owner alone unless `mode` says otherwise. One that exists stays as it is. */
  makeFolder(name: string, mode?: number): Promise<void>
  /** Creates `PREFIX<16 random hex digits>SUFFIX`, mode 0600; `onName` hears its name before it is there. */
  createPrivate(prefix: string, suffix: string, onName?: (name: string) => void): Promise<PrivateFile>
  /** Puts `from` in the place of `to` in one step. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file; one that is gone already is fine. */
  remove(name: string): Promise<void>
  /** Makes a rename survive a power cut. */
  sync(): Promise<void>
  freeSpace(): Promise<FreeSpace>
  close(): Promise<void>
}

/** A folder by its path, links followed. Where /proc is missing, it is only as firm as its path. Throws `FILE_NOT_FOUND`, `FILE_ACCESS`. */
export async function openTransferFolder(path: string): Promise<TransferFolder> {
  const handle = await onFile('open the folder', path, () => holdFolder(path, { followLinks: true }))
  if (await hasDescriptorPaths()) return new HeldFolder(path, handle)
  await handle.close()
  return new NamedFolder(path)
}

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants

/** A folder below which things are named by path. */
class NamedFolder implements TransferFolder {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  /** The path at which the system finds this folder. */
  protected get place(): string {
    return this.path
  }

  protected at(name: string): string {
    if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0'))
      throw new AgentError('PATH_REFUSED', `${JSON.stringify(name)} is not the name of a file in ${this.path}`)
    return `${this.place}/${name}`
  }

  protected shown(name: string): string {
    return join(this.path, name)
  }

  isOpenToOthers(): Promise<boolean> {
    return onFile('look at', this.path, async () => isOpenToOthers(await stat(pathBytes(this.place), { bigint: true })))
  }

  async look(name: string): Promise<TransferFacts | undefined> {
    try {
      return transferFacts(await lstat(pathBytes(this.at(name)), { bigint: true }))
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined
      throw fileFailure('look at', this.shown(name), error)
    }
  }

  async *list(): AsyncGenerator<string> {
    try {
      yield* namesOf(this.place)
    } catch (error) {
      throw fileFailure('list', this.path, error)
    }
  }

  async openFolder(name: string): Promise<TransferFolder> {
    const path = this.shown(name)
    const handle = await onFile('open the folder', path, () => holdFolder(this.at(name), { followLinks: false }))
    return this.holds(path, handle)
  }

  async openFile(name: string): Promise<ReadableFile> {
    const path = this.shown(name)
    const flags = O_RDONLY | O_NONBLOCK | O_NOFOLLOW
    return readableFile(path, await onFile('open', path, () => open(pathBytes(this.at(name)), flags)))
  }

  async readLink(name: string): Promise<string | undefined> {
    try {
      return nameOf(await readlink(pathBytes(this.at(name)), { encoding: 'buffer' }))
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'EINVAL') return undefined
      throw fileFailure('look at', this.shown(name), error)
    }
  }

  makeFolder(name: string, mode = 0o700): Promise<void> {
    return onFile('make the folder', this.shown(name), async () => {
      try {
        await mkdir(pathBytes(this.at(name)), { mode })
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error
        return
      }
      await this.#settleMode(name, mode)
    })
  }

  createPrivate(prefix: string, suffix: string, onName?: (name: string) => void): Promise<PrivateFile> {
    return createPrivateFile({ path: this.path, at: name => this.at(name) }, prefix, suffix, onName)
  }

  rename(from: string, to: string): Promise<void> {
    return onFile('replace', this.shown(to), () => rename(pathBytes(this.at(from)), pathBytes(this.at(to))))
  }

  remove(name: string): Promise<void> {
    return onFile('remove', this.shown(name), () => rm(pathBytes(this.at(name)), { force: true }))
  }

  sync(): Promise<void> {
    return syncFolder(this.path, this.place)
  }

  freeSpace(): Promise<FreeSpace> {
    return onFile('measure the space of', this.path, async () => {
      const { bavail, bsize, blocks, ffree, files } = await statfs(pathBytes(this.place), { bigint: true })
      return {
        bytes: Number(bavail * bsize),
        totalBytes: Number(blocks * bsize),
        files: Number(ffree),
        totalFiles: Number(files),
      }
    })
  }

  async close(): Promise<void> {}

  protected async holds(path: string, handle: FileHandle): Promise<TransferFolder> {
    await handle.close()
    return new NamedFolder(path)
  }

  /** The umask may have taken bits away. By descriptor: the name may stand for something else by now. */
  async #settleMode(name: string, mode: number): Promise<void> {
    const handle = await holdFolder(this.at(name), { followLinks: false })
    try {
      if (await hasDescriptorPaths()) await chmod(descriptorPath(handle), mode)
    } finally {
      await handle.close()
    }
  }
}

/** A folder that a descriptor holds. */
export class HeldFolder extends NamedFolder {
  readonly #handle: FileHandle

  /** @param handle now the folder's own; closed with it */
  constructor(path: string, handle: FileHandle) {
    super(path)
    this.#handle = handle
  }

  protected override get place(): string {
    return descriptorPath(this.#handle)
  }

  override async openFile(name: string): Promise<ReadableFile> {
    const path = this.shown(name)
    const held = await onFile('open', path, () => holdEntry(this.at(name)))
    try {
      const { kind } = transferFacts(await held.stat({ bigint: true }))
      // Opened through its descriptor a link would be followed; and a device may act on being opened.
      if (kind !== 'file')
        throw new AgentError('FILE_ACCESS', `cannot open ${path}: it is not a regular file`, {
          details: { path },
          remedy: 'Name a regular file.',
        })
      return await openHeldFile(path, held)
    } finally {
      await held.close()
    }
  }

  override close(): Promise<void> {
    return this.#handle.close()
  }

  protected override async holds(path: string, handle: FileHandle): Promise<TransferFolder> {
    return new HeldFolder(path, handle)
  }
}
