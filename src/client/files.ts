// SPDX-License-Identifier: Apache-2.0
import { checkDownload, checkUpload } from '../services/files/transfer-options.ts'
import type { DownloadOptions, DownloadResult, UploadOptions, UploadResult } from '../services/files/types.ts'
import type { FileTransfers } from './cloud.ts'

let transfersIn: (files: ClientFiles) => Promise<FileTransfers>

/** File transfers between this device and the cloud [TR50 5]. */
export class ClientFiles {
  readonly #open: () => Promise<FileTransfers>

  static {
    transfersIn = files => files.#open()
  }

  /** @internal */
  constructor(open: () => Promise<FileTransfers>) {
    this.#open = open
  }

  /**
   * Sends a file, or every regular file in a folder and its subfolders. Resolves when the cloud has stored everything.
   *
   * @throws AgentError `FILE_NOT_FOUND`, `FILE_ACCESS`, `REFUSED_BY_CLOUD`, `HTTP_STATUS`, `TIMEOUT`, `ABORTED`, `CLOSED`,
   *   `INVALID_ARGUMENT`, `NOT_CONNECTED` and the other failures of the connection
   */
  async upload(path: string, options: UploadOptions = {}): Promise<UploadResult> {
    checkUpload(options)
    return (await this.#open()).upload(path, options)
  }

  /**
   * Fetches a file. It appears under its name only when it is complete and its checksum is right; until then an existing file
   * of that name stays.
   *
   * @param name name in the cloud
   * @param destination path of the new file, or a folder, where the file gets its name in the cloud
   * @throws AgentError `FILE_NOT_FOUND`, `FILE_ACCESS`, `DISK_FULL`, `LIMIT_EXCEEDED` (`file_transfer.max_bytes`),
   *   `CHECKSUM_MISMATCH`, `REFUSED_BY_CLOUD`, `HTTP_STATUS`, `TIMEOUT`, `ABORTED`, `CLOSED`, `INVALID_ARGUMENT`,
   *   `NOT_CONNECTED` and the other failures of the connection
   */
  async download(name: string, destination: string, options: DownloadOptions = {}): Promise<DownloadResult> {
    checkDownload(options)
    return (await this.#open()).download(name, destination, options)
  }
}

/** The transfers behind a client, for the device manager, which transfers files that it has opened itself, not only paths. */
export function transfersOf(files: ClientFiles): Promise<FileTransfers> {
  return transfersIn(files)
}
