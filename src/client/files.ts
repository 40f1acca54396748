import type { TransferFolder } from '../platform/held/transfer-folder.ts'
import type { Destination } from '../services/files/destination.ts'
import type {
  DownloadOptions,
  DownloadResult,
  FolderUploadOptions,
  UploadOptions,
  UploadOrigin,
  UploadResult,
} from '../services/files/types.ts'
import type { FileTransfers } from './cloud.ts'

/** File transfers between this device and the cloud [TR50 5]. */
export class ClientFiles {
  readonly #open: () => Promise<FileTransfers>

  /** @internal */
  constructor(open: () => Promise<FileTransfers>) {
    this.#open = open
  }

  /**
   * Sends a file, or every regular file in a folder and its sub-folders. Resolves when the cloud has stored everything.
   *
   * @throws AgentError `FILE_NOT_FOUND`, `FILE_ACCESS`, `REFUSED_BY_CLOUD`, `HTTP_STATUS`, `TIMEOUT`, `ABORTED`, `CLOSED`,
   *   `INVALID_ARGUMENT`, `NOT_CONNECTED` and the other failures of the connection
   */
  async upload(path: string, options?: UploadOptions): Promise<UploadResult> {
    return (await this.#open()).upload(path, options)
  }

  /**
   * Fetches a file. It appears under its name only when it is complete and right; until then an existing one stays.
   *
   * @param name name in the cloud
   * @param destination path of the file, or a folder that gets it under its own name
   * @throws AgentError `FILE_NOT_FOUND`, `FILE_ACCESS`, `DISK_FULL`, `CHECKSUM_MISMATCH`, `REFUSED_BY_CLOUD`, `HTTP_STATUS`,
   *   `TIMEOUT`, `ABORTED`, `CLOSED`, `INVALID_ARGUMENT`, `NOT_CONNECTED` and the other failures of the connection
   */
  async download(name: string, destination: string, options?: DownloadOptions): Promise<DownloadResult> {
    return (await this.#open()).download(name, destination, options)
  }

  /** Sends a file that the caller opens. @internal */
  async uploadFile(origin: UploadOrigin, options?: UploadOptions): Promise<UploadResult> {
    return (await this.#open()).uploadFile(origin, options)
  }

  /** Sends a folder that the caller holds. @internal */
  async uploadFolder(folder: TransferFolder, options?: FolderUploadOptions): Promise<UploadResult> {
    return (await this.#open()).uploadFolder(folder, options)
  }

  /** Fetches a file into a folder that the caller holds. @internal */
  async downloadInto(
    name: string,
    settle: () => Promise<Destination>,
    options?: DownloadOptions,
  ): Promise<DownloadResult> {
    return (await this.#open()).downloadInto(name, settle, options)
  }
}
