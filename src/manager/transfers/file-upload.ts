// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { AgentError } from '../../base/errors.ts'
import { isMisread, remedyForMisread } from '../../platform/files/file-failure.ts'
import { shownName } from '../../platform/files/name-bytes.ts'
import type { LeaveOut } from '../../platform/held/folder-tree.ts'
import type { TransferFolder } from '../../platform/held/transfer-folder.ts'
import { Status } from '../../protocol/status.ts'
import type { FolderUploadOptions, UploadOptions, UploadOrigin, UploadResult } from '../../services/files/types.ts'
import type { ManagedAction } from '../actions/index.ts'
import type { Background, TransferSettings } from './file-download.ts'
import type { ArchivedFolder, FolderToPack } from './folder-archive.ts'
import type { FileSnapshot, FileSource, FolderSource, Source } from './reach/index.ts'
import { readTransferTarget, type TransferTarget } from './transfer-paths.ts'

/** How long an upload may take while the cloud waits for the answer [TR50 4.5]. */
const uploadTimeoutMs = 240_000

export interface FileUploadParts {
  /** Calls `origin.open` once, when the upload begins, and closes what it returns. */
  readonly uploadFile: (origin: UploadOrigin, options: UploadOptions) => Promise<UploadResult>
  readonly uploadFolder: (folder: TransferFolder, options: FolderUploadOptions) => Promise<UploadResult>
  readonly settings: () => TransferSettings
  /**
   * What a path names, held open, or undefined when it names nothing.
   *
   * @throws AgentError `PATH_REFUSED` when it lies where a transfer may not go
   */
  readonly source: (named: { readonly path: string; readonly relative: boolean }) => Promise<Source | undefined>
  /** The regular files in and below a folder, as they are now. */
  readonly snapshots: (folder: TransferFolder, leaveOut: LeaveOut) => Promise<readonly FileSnapshot[]>
  /** Packs a folder into a private temporary file. */
  readonly archive: (folder: FolderToPack, signal: AbortSignal) => Promise<ArchivedFolder>
  readonly background: Background
}

/**
 * `file_upload` [TR50 4.5]: sends a file, or a folder, to the cloud store. A folder goes as one tar with
 * `upload_tar_file`, else file by file. With `upload_remove_on_success` only the files that were sent are removed [M3]: a file
 * that came into the folder or was changed meanwhile stays.
 */
export function fileUploadAction(parts: FileUploadParts): ManagedAction {
  const { settings, background } = parts
  return {
    name: 'file_upload',
    switchedBy: 'file_transfers',
    concurrency: 4,
    timeoutMs: 0,
    run: async ({ params }, help) => {
      const { uploadFolder, waitForFileTransfer } = settings()
      const target = readTransferTarget(params, uploadFolder)
      const upload = new OneUpload(parts, target)
      if (waitForFileTransfer) {
        const options = { signal: help.signal, timeoutMs: uploadTimeoutMs }
        return { status: Status.Success, message: await upload.run(options, help.signal) }
      }
      // Looked up before the answer as well: a file that is missing or refused is a failure of the call.
      await (await upload.find()).close()
      background(`upload of ${target.path}`, signal => upload.run({ signal }, signal))
      return { status: Status.Success, message: '' }
    },
  }
}

class OneUpload {
  readonly #parts: FileUploadParts
  readonly #target: TransferTarget

  constructor(parts: FileUploadParts, target: TransferTarget) {
    this.#parts = parts
    this.#target = target
  }

  /** What is to be sent, held open. */
  async find(): Promise<Source> {
    const { path, relative } = this.#target
    const found = await this.#parts.source({ path, relative })
    if (found === undefined) {
      // In the message, because the operator does not see a remedy.
      const why = isMisread(path) ? `, or its name is not UTF-8. ${remedyForMisread}` : '.'
      throw new AgentError('FILE_NOT_FOUND', `There is no file ${shownName(path)}${why}`, {
        details: { path },
        remedy: 'Check its path.',
      })
    }
    return found
  }

  /** Resolves to a text about the files that were left out; empty when there are none. */
  async run(options: UploadOptions, signal: AbortSignal): Promise<string> {
    const { global } = this.#target
    const source = await this.find()
    try {
      if (source.kind === 'file') return await this.#sendFile(source, { ...options, global })
      return await this.#sendFolder(source, { ...options, global }, signal)
    } finally {
      await source.close()
    }
  }

  async #sendFile(source: FileSource, options: UploadOptions): Promise<string> {
    const { fileName } = this.#target
    // The file that was found is the one that is sent; it is closed here.
    const file = { ...source.file, close: async () => {} }
    const name = fileName === undefined || fileName === '' ? {} : { name: fileName }
    await this.#parts.uploadFile({ path: source.path, open: async () => file }, { ...options, ...name })
    if (this.#mayRemove(source)) await source.removeUnchanged()
    return ''
  }

  async #sendFolder(source: FolderSource, options: UploadOptions, signal: AbortSignal): Promise<string> {
    const { settings } = this.#parts
    const left = new LeftOut(source)
    const sent = settings().uploadTarFile
      ? await this.#sendArchive(source, left.leaveOut, options, signal)
      : await this.#sendEach(source, left.leaveOut, options)
    if (this.#mayRemove(source)) for (const file of sent) await source.removeUnchanged(file)
    return left.text
  }

  async #sendArchive(
    { folder, openFile }: FolderSource,
    leaveOut: LeaveOut,
    options: UploadOptions,
    signal: AbortSignal,
  ): Promise<readonly FileSnapshot[]> {
    const { archive, uploadFile } = this.#parts
    const { path, open, files, discard } = await archive({ folder, leaveOut, openFile }, signal)
    try {
      await uploadFile({ path, open }, { ...options, name: tarName(this.#target.path) })
      return files
    } finally {
      await discard()
    }
  }

  async #sendEach(
    { folder, path, openFile }: FolderSource,
    leaveOut: LeaveOut,
    options: UploadOptions,
  ): Promise<readonly FileSnapshot[]> {
    const { snapshots, uploadFolder } = this.#parts
    const before = await snapshots(folder, leaveOut)
    const { files } = await uploadFolder(folder, { ...options, leaveOut, openFile })
    const uploaded = new Set(files.map(file => file.path))
    return before.filter(file => uploaded.has(join(path, file.path)))
  }

  #mayRemove(source: Source): boolean {
    return source.isRemovable && this.#parts.settings().uploadRemoveOnSuccess
  }
}

const maxNames = 5

/** The entries of a folder that are not sent, for the answer. */
class LeftOut {
  readonly #names = new Set<string>()
  readonly #source: FolderSource

  constructor(source: FolderSource) {
    this.#source = source
  }

  readonly leaveOut: LeaveOut = async entry => {
    const isOut = await this.#source.leaveOut(entry)
    if (isOut) this.#names.add(entry.path)
    return isOut
  }

  get text(): string {
    if (this.#names.size === 0) return ''
    const names = [...this.#names].slice(0, maxNames).map(name => shownName(name))
    const more = this.#names.size > names.length ? `, and ${this.#names.size - names.length} more` : ''
    return `left out, because no file action reaches the agent's own files and files with several names: ${names.join(', ')}${more}`
  }
}

/** The Python agent's name for the tar of a folder: its full path with `-` for `/` [TR50 4.5]. */
function tarName(folder: string): string {
  return `${folder.slice(1).replaceAll('/', '-')}.tar`
}
