import { dirname } from 'node:path'
import { Status } from '../../protocol/status.ts'
import type { DownloadOptions } from '../../services/files/types.ts'
import { readTransferTarget } from '../transfer-paths.ts'
import type { ManagedAction } from './action.ts'
import { BadParameter } from './params.ts'

/** What the file actions need of iot.cfg, looked up at each call. */
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

/** What the folders on the disk say about a path. */
export interface PathGuard {
  /**
   * The path with its links resolved, as far as it exists.
   *
   * @throws AgentError `PATH_REFUSED` when it lies where a transfer may not go
   */
  admit(path: string, options: { readonly folder: string; readonly relative: boolean }): Promise<string>
}

/** Runs transfers that nobody waits for, and tells when they fail. */
export type Background = (what: string, work: (signal: AbortSignal) => Promise<unknown>) => void

export interface FileDownloadParts {
  readonly download: (name: string, destination: string, options: DownloadOptions) => Promise<unknown>
  readonly settings: () => TransferSettings
  readonly guard: PathGuard
  /** Creates a folder and the missing ones above it. */
  readonly makeFolder: (path: string) => Promise<void>
  readonly background: Background
}

/**
 * `file_download`: fetches a file of the cloud store to a path of this device [TR50 4.5].
 * With `wait_for_file_transfer` the answer tells how the transfer ended; a transfer that is out of time is stopped, so that
 * it cannot replace the file after its failure was reported [M16].
 */
export function fileDownloadAction(parts: FileDownloadParts): ManagedAction {
  const { download, settings, guard, makeFolder, background } = parts
  return {
    name: 'file_download',
    switchedBy: 'file_transfers',
    concurrency: 4,
    timeoutMs: 0,
    run: async ({ params }, help) => {
      const { downloadFolder, waitForFileTransfer, downloadTimeoutS } = settings()
      const { fileName, path, relative, global } = readTransferTarget(params, downloadFolder)
      if (fileName === undefined) throw new BadParameter('file_name or file_path must be given')
      if (fileName === '' || path === downloadFolder) throw new BadParameter('file_path names a folder, not a file')
      const admitted = await guard.admit(path, { folder: downloadFolder, relative })
      await makeFolder(dirname(admitted))
      const fetch = (options: DownloadOptions) => download(fileName, admitted, { ...options, global })
      if (!waitForFileTransfer) {
        background(`download of ${fileName}`, signal => fetch({ signal }))
        return { status: Status.Success, message: '' }
      }
      await fetch({ signal: help.signal, timeoutMs: downloadTimeoutS * 1000 })
      return { status: Status.Success, message: '' }
    },
  }
}
