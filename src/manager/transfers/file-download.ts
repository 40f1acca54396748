// SPDX-License-Identifier: Apache-2.0
import { Status } from '../../protocol/status.ts'
import type { Destination } from '../../services/files/destination.ts'
import type { DownloadOptions } from '../../services/files/types.ts'
import { BadParameter, type ManagedAction } from '../actions/index.ts'
import { readTransferTarget } from './transfer-paths.ts'

/** The settings of iot.cfg for the file actions, looked up at each call. */
export interface TransferSettings {
  /** RUNTIME/download, absolute. */
  readonly downloadFolder: string
  /** RUNTIME/upload, absolute. */
  readonly uploadFolder: string
  readonly waitForFileTransfer: boolean
  readonly downloadTimeoutS: number
  readonly uploadRemoveOnSuccess: boolean
  readonly uploadTarFile: boolean
}

/** Runs a transfer behind its answer, and reports when it fails. */
export type Background = (what: string, work: (signal: AbortSignal) => Promise<unknown>) => void

export interface FileDownloadParts {
  /** Calls `settle` once, when the download begins, and closes what it returns. */
  readonly download: (name: string, settle: () => Promise<Destination>, options: DownloadOptions) => Promise<unknown>
  readonly settings: () => TransferSettings
  /**
   * Where a path leads, held open.
   *
   * @throws AgentError `PATH_REFUSED` when it lies where a transfer may not go
   */
  readonly destination: (named: {
    readonly path: string
    readonly relative: boolean
    readonly name: string
    readonly isFolder: boolean
  }) => Promise<Destination>
  readonly background: Background
}

/**
 * `file_download` [TR50 4.5]: fetches a file of the cloud store to a path of this device.
 * With `wait_for_file_transfer` the answer is the result of the transfer; a transfer that is out of time is stopped, so that
 * it cannot replace the file after its failure was reported [M16].
 */
export function fileDownloadAction(parts: FileDownloadParts): ManagedAction {
  const { download, settings, destination, background } = parts
  return {
    name: 'file_download',
    switchedBy: 'file_transfers',
    concurrency: 4,
    timeoutMs: 0,
    run: async ({ params }, help) => {
      const { downloadFolder, waitForFileTransfer, downloadTimeoutS } = settings()
      const { fileName, path, relative, global, isFolder } = readTransferTarget(params, downloadFolder)
      if (fileName === undefined) throw new BadParameter('file_name or file_path must be given')
      if (fileName === '' || path === downloadFolder) throw new BadParameter('file_path names a folder, not a file')
      // Looked up when the download begins: the folder that was checked is held open until the file is in it.
      const settle = () => destination({ path, relative, name: fileName, isFolder })
      const fetch = (options: DownloadOptions) => download(fileName, settle, { ...options, global })
      if (!waitForFileTransfer) {
        // Checked before the answer as well: a path that is refused is a failure of the call.
        await (await settle()).folder.close()
        background(`download of ${fileName}`, signal => fetch({ signal }))
        return { status: Status.Success, message: '' }
      }
      await fetch({ signal: help.signal, timeoutMs: downloadTimeoutS * 1000 })
      return { status: Status.Success, message: '' }
    },
  }
}
