// SPDX-License-Identifier: Apache-2.0
import { type FileFacts, fileFacts } from '../files/file-facts.ts'
import { openReadableFile, type ReadableFile } from './readable-file.ts'
import { openTransferFolder, type TransferFolder } from './transfer-folder.ts'

/** The file system as a file transfer uses it; a test puts another one in its place. */
export interface TransferFiles {
  /** See {@link fileFacts}. */
  look(path: string, options: { followLinks: boolean }): Promise<FileFacts | undefined>
  /** See {@link openReadableFile}. */
  openForReading(path: string, options: { followLinks: boolean }): Promise<ReadableFile>
  /** See {@link openTransferFolder}. */
  openFolder(path: string): Promise<TransferFolder>
}

/** {@link TransferFiles} on the real file system. */
export const transferFiles: TransferFiles = {
  look: fileFacts,
  openForReading: openReadableFile,
  openFolder: openTransferFolder,
}
