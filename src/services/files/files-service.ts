// SPDX-License-Identifier: Apache-2.0
import { basename, resolve } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { AgentError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { openFileBelow } from '../../platform/held/folder-tree.ts'
import { type TransferFiles, transferFiles } from '../../platform/held/transfer-files.ts'
import type { TransferFolder } from '../../platform/held/transfer-folder.ts'
import { type Destination, settleDestination } from './destination.ts'
import { Download } from './download.ts'
import { type ExchangeOptions, FileExchange } from './file-exchange.ts'
import { checkCloudName } from './file-name.ts'
import { fileLimits } from './limits.ts'
import type { FlashBudget } from './part-file.ts'
import { ProgressMeter } from './progress-meter.ts'
import { Slots } from './slots.ts'
import { removeStaleParts } from './stale-parts.ts'
import { marksOf } from './transfer-options.ts'
import { TransferScope } from './transfer-scope.ts'
import type {
  DownloadOptions,
  DownloadResult,
  FolderUploadOptions,
  UploadedFile,
  UploadOptions,
  UploadOrigin,
  UploadResult,
} from './types.ts'
import { uploadFile } from './upload.ts'
import { listFolderFiles, uploadEach } from './upload-folder.ts'

export interface FilesServiceOptions extends ExchangeOptions {
  readonly log: Log
  /** The file system (default: the real one). */
  readonly files?: TransferFiles
  /** Where the bytes that downloads write to flash are counted. */
  readonly budget?: FlashBudget
  /** The largest file that a download may bring. Absent: as much as the disk takes, and the agent's own limit where the size is unknown. */
  readonly maxDownloadBytes?: number | undefined
}

interface Transfer {
  readonly signal: AbortSignal
  readonly meter: ProgressMeter
}

/** In so many folders one process looks for left-over temporary files; later folders are not searched. */
const maxSearchedFolders = 200

/** Moves files between this device and the cloud: streamed in constant memory, checked, and retried. */
export class FilesService {
  readonly #exchange: FileExchange
  readonly #files: TransferFiles
  readonly #clock: Clock
  readonly #log: Log
  readonly #budget: FlashBudget | undefined
  readonly #maxDownloadBytes: number | undefined
  readonly #slots = new Slots(fileLimits.concurrent, fileLimits.waiting)
  readonly #running = new Map<TransferScope, Promise<unknown>>()
  readonly #searched = new Set<string>()
  #closed: AgentError | undefined

  constructor(options: FilesServiceOptions) {
    this.#exchange = new FileExchange(options)
    this.#files = options.files ?? transferFiles
    this.#clock = options.clock
    this.#log = options.log.child('files')
    this.#budget = options.budget
    this.#maxDownloadBytes = options.maxDownloadBytes
  }

  /**
   * Sends a file, or every regular file in a folder and its sub-folders (each under its name relative to the folder, with `/`;
   * symbolic links are left out). A file of that name in the cloud is replaced. While there is no link, each of up to eight tries
   * waits for it, at most five minutes; `timeoutMs` and `signal` end the wait sooner.
   *
   * @returns when the cloud has stored everything
   * @throws AgentError `FILE_NOT_FOUND`, `FILE_ACCESS` (the local file), `FILE_CHANGED` (something keeps writing to it),
   * `REFUSED_BY_CLOUD`, `LIMIT_EXCEEDED`, `HTTP_STATUS` (`details.status`), `TIMEOUT`, `ABORTED`, `CLOSED`, or the failure of
   * the connection; `INVALID_ARGUMENT` for a name that the cloud does not take: not UTF-8, with control characters, or too long. For a
   * folder: the code of the first failure, with `details.uploaded` and `details.failed`.
   */
  upload(path: string, options: UploadOptions = {}): Promise<UploadResult> {
    return this.#transfer(`the upload of ${path}`, options, async transfer => {
      const { name } = options
      if (name !== undefined) checkCloudName(name)
      if (typeof path !== 'string' || path === '')
        throw new AgentError('INVALID_ARGUMENT', 'The path to upload is empty.')
      const full = resolve(path)
      const facts = await this.#files.look(full, { followLinks: true })
      if (facts?.kind !== 'folder') {
        const open = () => this.#files.openForReading(full, { followLinks: true })
        return this.#uploadSingle({ path: full, open }, options, transfer)
      }
      const folder = await this.#files.openFolder(full)
      try {
        return await this.#uploadAll(folder, options, transfer)
      } finally {
        await folder.close()
      }
    })
  }

  /** As {@link upload}, for a file that the caller opens: once, when the turn of this upload has come. */
  uploadFile(origin: UploadOrigin, options: UploadOptions = {}): Promise<UploadResult> {
    return this.#transfer(`the upload of ${origin.path}`, options, async transfer => {
      if (options.name !== undefined) checkCloudName(options.name)
      return this.#uploadSingle(origin, options, transfer)
    })
  }

  /** As {@link upload}, for a folder that the caller holds open and closes. */
  uploadFolder(folder: TransferFolder, options: FolderUploadOptions = {}): Promise<UploadResult> {
    return this.#transfer(`the upload of ${folder.path}`, options, async transfer => {
      if (options.name !== undefined) checkCloudName(options.name)
      return this.#uploadAll(folder, options, transfer)
    })
  }

  /**
   * Fetches a file. It is written beside its destination under a private temporary name, checked against size and CRC-32,
   * forced to disk, and put in place in one step; until then an existing file stays as it is. An interrupted transfer resumes where
   * it stopped; while there is no link it waits, as {@link upload} does. The new file takes the permission bits of the file that it
   * replaces; where there was none it gets 0666 without the umask. Missing folders are made, with the same rights, as soon as the
   * cloud offers the file; they stay when it does not arrive.
   *
   * @param destination path of the file, or of a folder that gets the file under its own name. A `/` at the end means a folder, which need
   * not exist. A symbolic link is replaced, not followed, unless a `/` at the end means the folder that it leads to.
   * @throws AgentError `FILE_NOT_FOUND` (in the cloud, with `details.errorCodes`; or no folder can be made here), `FILE_ACCESS`, `DISK_FULL`,
   * `CHECKSUM_MISMATCH`, `REFUSED_BY_CLOUD`, `HTTP_STATUS` (`details.status`), `PROTOCOL_VIOLATION`, `TIMEOUT`, `ABORTED`,
   * `CLOSED`, or the failure of the connection. Nothing is left behind.
   */
  download(name: string, destination: string, options: DownloadOptions = {}): Promise<DownloadResult> {
    return this.downloadInto(name, () => settleDestination(this.#files, destination, name), options)
  }

  /**
   * As {@link download}, to a destination that the caller has checked.
   *
   * @param settle called once, when the turn of this download has come; this method closes what it returns
   */
  downloadInto(
    name: string,
    settle: () => Promise<Destination>,
    options: DownloadOptions = {},
  ): Promise<DownloadResult> {
    return this.#transfer(`the download of ${JSON.stringify(name)}`, options, async transfer => {
      checkCloudName(name)
      return this.#slots.run(transfer.signal, async () => {
        const destination = await settle()
        try {
          if (destination.missing.names.length === 0) await this.#searchOnce(destination.folder)
          const task = { ...transfer, name, global: options.global ?? false, destination }
          const result = await new Download(this.#tools, task).run()
          this.#log.info('downloaded', { ...result })
          return result
        } finally {
          await destination.folder.close()
        }
      })
    })
  }

  /** How many transfers run or wait for their turn. */
  get running(): number {
    return this.#running.size
  }

  /** Ends all transfers with `CLOSED`; resolves when the last one has ended and cleaned up. */
  async close(): Promise<void> {
    this.#closed ??= new AgentError('CLOSED', 'File transfers have ended because the client was closed.')
    for (const scope of this.#running.keys()) scope.end(this.#closed)
    await Promise.allSettled(this.#running.values())
  }

  get #tools() {
    return {
      exchange: this.#exchange,
      clock: this.#clock,
      log: this.#log,
      budget: this.#budget,
      maxBytes: this.#maxDownloadBytes,
    }
  }

  async #transfer<T>(what: string, options: DownloadOptions, work: (transfer: Transfer) => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) throw this.#closed
    const { timeoutMs, signal, onProgress } = options
    if (timeoutMs !== undefined && !(timeoutMs > 0)) {
      throw new AgentError('INVALID_ARGUMENT', `timeoutMs must be a number of milliseconds above 0, not ${timeoutMs}.`)
    }
    const meter = new ProgressMeter({ clock: this.#clock, log: this.#log, listener: onProgress })
    const onTimeout = () => {
      const { transferredBytes, totalBytes } = meter.latest
      const text = `${what} did not end within ${timeoutMs} ms (${transferredBytes} of ${totalBytes ?? 'unknown'} bytes).`
      return new AgentError('TIMEOUT', text, { details: { timeoutMs, transferredBytes, totalBytes } })
    }
    const scope = new TransferScope({ clock: this.#clock, onTimeout, timeoutMs, signal })
    const running = work({ signal: scope.signal, meter })
    this.#running.set(scope, running)
    try {
      const result = await running
      meter.finish()
      return result
    } finally {
      scope.release()
      this.#running.delete(scope)
    }
  }

  async #uploadSingle(
    origin: UploadOrigin,
    options: UploadOptions,
    { signal, meter }: Transfer,
  ): Promise<UploadResult> {
    const report = (sent: number, total: number) => meter.report(sent, total)
    const file = await this.#uploadOne(origin, options.name ?? basename(origin.path), options, signal, report)
    return { path: origin.path, bytes: file.bytes, files: [file] }
  }

  async #uploadAll(
    folder: TransferFolder,
    options: FolderUploadOptions,
    { signal, meter }: Transfer,
  ): Promise<UploadResult> {
    const entries = await listFolderFiles(folder, signal, options.leaveOut)
    const prefix = options.name === undefined ? '' : `${options.name.replace(/(?<!\/)\/+$/, '')}/`
    const totalBytes = entries.reduce((sum, { bytes }) => sum + bytes, 0)
    let doneBytes = 0
    const files = await uploadEach(folder.path, entries, signal, async ({ path, relative }) => {
      const open = options.openFile ?? openFileBelow
      const report = (sent: number) => meter.report(doneBytes + sent, totalBytes)
      const origin = { path, open: () => open(folder, relative) }
      const file = await this.#uploadOne(origin, prefix + relative, options, signal, report)
      doneBytes += file.bytes
      return file
    })
    return { path: folder.path, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), files }
  }

  #uploadOne(
    { path, open }: UploadOrigin,
    name: string,
    options: UploadOptions,
    signal: AbortSignal,
    report: (sentBytes: number, totalBytes: number) => void,
  ): Promise<UploadedFile> {
    return this.#slots.run(signal, async () => {
      checkCloudName(name)
      const task = { path, name, global: options.global ?? false, marks: marksOf(options), open, signal, report }
      const file = await uploadFile(this.#tools, task)
      this.#log.info('uploaded', { ...file })
      return file
    })
  }

  async #searchOnce(folder: TransferFolder): Promise<void> {
    if (this.#searched.has(folder.path) || this.#searched.size >= maxSearchedFolders) return
    this.#searched.add(folder.path)
    await removeStaleParts({ clock: this.#clock, log: this.#log }, folder)
  }
}
