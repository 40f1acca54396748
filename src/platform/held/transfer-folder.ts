// SPDX-License-Identifier: Apache-2.0
import { type FileHandle, mkdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AgentError, errnoOf } from '../../base/errors.ts'
import { type FileFacts, factsFrom, fileFacts, isOpenToOthers, openFileFacts } from '../files/file-facts.ts'
import { fileFailure } from '../files/file-failure.ts'
import { namesOf } from '../files/folder-names.ts'
import { readLink } from '../files/links.ts'
import { pathBytes } from '../files/name-bytes.ts'
import { onFile } from '../files/on-file.ts'
import { settleMode } from '../files/settle-mode.ts'
import { type Space, spaceOf } from '../files/space.ts'
import { syncFolder } from '../files/sync-folder.ts'
import { descriptorPath, hasDescriptorPaths, holdEntry, holdFolder } from './descriptor.ts'
import { createPrivateFile, type PrivateFile } from './private-file.ts'
import { openHeldFile, openReadableFile, type ReadableFile } from './readable-file.ts'

/**
 * A folder that is held open: every name is below it, so that it is the same folder from the first step to the last, even when
 * another user changes its path meanwhile. No link in it is followed. Every failure is an `AgentError` that names the path.
 */
export interface TransferFolder {
  /** How it was named, for messages. */
  readonly path: string
  /** Whether a user other than root and the agent's own may put things into it. */
  isOpenToOthers(): Promise<boolean>
  /** The facts of `name` itself, or undefined when it does not exist. */
  look(name: string): Promise<FileFacts | undefined>
  /** The names in it, in the order of the file system; for those that are not UTF-8 see name-bytes.ts. */
  list(): AsyncIterable<string>
  /** A folder in it; the caller closes it. */
  openFolder(name: string): Promise<TransferFolder>
  /** A file in it. Never waits, also not for the writer of a FIFO. */
  openFile(name: string): Promise<ReadableFile>
  /** The target of a link, as it is written in it; undefined when there is no link of this name (any more). */
  readLink(name: string): Promise<string | undefined>
  /** Makes a folder, for its owner alone unless `mode` says otherwise. One that exists stays as it is. */
  makeFolder(name: string, mode?: number): Promise<void>
  /** Creates `PREFIX<16 random hex digits>SUFFIX`, mode 0600; `onName` gets its name before it exists. */
  createPrivate(prefix: string, suffix: string, onName?: (name: string) => void): Promise<PrivateFile>
  /** Puts `from` in the place of `to` in one step. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file; one that is gone already is fine. */
  remove(name: string): Promise<void>
  /** Makes a rename survive a power cut. */
  sync(): Promise<void>
  freeSpace(): Promise<Space>
  close(): Promise<void>
}

/** Opens a folder by its path, following links. Without /proc the folder is reached by its path each time. Throws `FILE_NOT_FOUND`, `FILE_ACCESS`. */
export async function openTransferFolder(path: string): Promise<TransferFolder> {
  const handle = await onFile('open the folder', path, () => holdFolder(path, { followLinks: true }))
  if (await hasDescriptorPaths()) return new HeldFolder(path, handle)
  await handle.close()
  return new NamedFolder(path)
}

/** A folder that is reached by its path each time. */
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
      throw new AgentError('PATH_REFUSED', `${JSON.stringify(name)} is not the name of a file in ${this.path}.`)
    return `${this.place}/${name}`
  }

  protected shown(name: string): string {
    return join(this.path, name)
  }

  isOpenToOthers(): Promise<boolean> {
    return onFile('look at', this.path, async () =>
      isOpenToOthers(factsFrom(await stat(pathBytes(this.place), { bigint: true }))),
    )
  }

  async look(name: string): Promise<FileFacts | undefined> {
    return await fileFacts(this.at(name), { followLinks: false, shown: this.shown(name) })
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
    return await openReadableFile(this.at(name), { followLinks: false, shown: this.shown(name) })
  }

  async readLink(name: string): Promise<string | undefined> {
    return await readLink(this.at(name), this.shown(name))
  }

  makeFolder(name: string, mode = 0o700): Promise<void> {
    return onFile('make the folder', this.shown(name), async () => {
      try {
        await mkdir(pathBytes(this.at(name)), { mode })
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error
        return
      }
      await settleMode(this.at(name), mode)
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

  freeSpace(): Promise<Space> {
    return onFile('measure the space of', this.path, () => spaceOf(this.place))
  }

  async close(): Promise<void> {}

  protected async holds(path: string, handle: FileHandle): Promise<TransferFolder> {
    await handle.close()
    return new NamedFolder(path)
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
      const { kind } = await openFileFacts(held)
      // To open a link through its descriptor would follow it, and a device may act when it is opened.
      if (kind !== 'file')
        throw new AgentError('FILE_ACCESS', `Cannot open ${path}: it is not a regular file.`, {
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
