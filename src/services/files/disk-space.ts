import { AgentError } from '../../base/errors.ts'
import type { FreeSpace, TransferFolder } from '../../platform/files/held/transfer-folder.ts'
import { fileLimits } from './limits.ts'

/**
 * Throws `DISK_FULL` unless `folder` has room for `bytes` more and one more file, and a reserve beyond that stays free.
 *
 * @returns how many bytes there is room for
 */
export async function checkDiskSpace(folder: TransferFolder, bytes: number): Promise<number> {
  const free = await folder.freeSpace()
  const { path } = folder
  const reserve = reserveOf(free)
  // Some network and FUSE file systems do not report it; they find out when writing.
  if (free.totalBytes > 0 && free.bytes < bytes + reserve) {
    throw new AgentError(
      'DISK_FULL',
      `${path} has ${free.bytes} bytes free, but the download needs ${bytes} and leaves ${reserve} free.`,
      { details: { folder: path, freeBytes: free.bytes, neededBytes: bytes, reserveBytes: reserve } },
    )
  }
  const reserveFiles = Math.min(fileLimits.reserveFiles, Math.floor(free.totalFiles / 100))
  if (free.totalFiles > 0 && free.files < 1 + reserveFiles) {
    throw new AgentError('DISK_FULL', `The file system of ${path} has only ${free.files} inodes free.`, {
      details: { folder: path, freeInodes: free.files, reserveInodes: reserveFiles },
    })
  }
  return free.totalBytes > 0 ? free.bytes - reserve : Number.POSITIVE_INFINITY
}

/**
 * While a download grows. Throws `DISK_FULL` when the reserve is touched.
 *
 * @returns how many bytes there is room for
 */
export async function checkDiskFills(folder: TransferFolder): Promise<number> {
  const free = await folder.freeSpace()
  if (free.totalBytes === 0) return Number.POSITIVE_INFINITY
  const reserve = reserveOf(free)
  if (free.bytes >= reserve) return free.bytes - reserve
  throw new AgentError(
    'DISK_FULL',
    `Cannot go on with the download: ${folder.path} has ${free.bytes} bytes free, and ${reserve} must stay free (ENOSPC).`,
    { details: { folder: folder.path, freeBytes: free.bytes, reserveBytes: reserve, errno: 'ENOSPC' } },
  )
}

function reserveOf({ totalBytes }: FreeSpace): number {
  return Math.min(fileLimits.reserveBytes, Math.floor(totalBytes / 100))
}
