// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../base/errors.ts'
import type { Space } from '../../platform/files/space.ts'
import type { TransferFolder } from '../../platform/held/transfer-folder.ts'
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
  // Some network and FUSE file systems do not report it; there a write fails instead.
  if (free.totalBytes > 0 && free.freeBytes < bytes + reserve) {
    throw new AgentError(
      'DISK_FULL',
      `${path} has ${free.freeBytes} bytes free, but the download needs ${bytes} and leaves ${reserve} free.`,
      { details: { folder: path, freeBytes: free.freeBytes, neededBytes: bytes, reserveBytes: reserve } },
    )
  }
  const { freeInodes, totalInodes = 0 } = free
  const reserveInodes = Math.min(fileLimits.reserveFiles, Math.floor(totalInodes / 100))
  if (freeInodes !== undefined && freeInodes < 1 + reserveInodes) {
    throw new AgentError('DISK_FULL', `The file system of ${path} has only ${freeInodes} inodes free.`, {
      details: { folder: path, freeInodes, reserveInodes },
    })
  }
  return free.totalBytes > 0 ? free.freeBytes - reserve : Number.POSITIVE_INFINITY
}

/**
 * Called while a download grows. Throws `DISK_FULL` when the reserve is touched.
 *
 * @returns how many bytes there is room for
 */
export async function checkDiskFills(folder: TransferFolder): Promise<number> {
  const free = await folder.freeSpace()
  if (free.totalBytes === 0) return Number.POSITIVE_INFINITY
  const reserve = reserveOf(free)
  if (free.freeBytes >= reserve) return free.freeBytes - reserve
  throw new AgentError(
    'DISK_FULL',
    `Cannot go on with the download: ${folder.path} has ${free.freeBytes} bytes free, and ${reserve} must stay free (ENOSPC).`,
    { details: { folder: folder.path, freeBytes: free.freeBytes, reserveBytes: reserve, errno: 'ENOSPC' } },
  )
}

function reserveOf({ totalBytes }: Space): number {
  return Math.min(fileLimits.reserveBytes, Math.floor(totalBytes / 100))
}
