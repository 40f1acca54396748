// SPDX-License-Identifier: Apache-2.0
import { statfs } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { errnoOf } from '../../base/errors.ts'
import { fileFailure } from './file-failure.ts'
import { pathBytes } from './name-bytes.ts'

/** Room on a file system. */
export interface Space {
  /** What an ordinary user may still write. */
  readonly freeBytes: number
  /** 0 where the file system does not say. */
  readonly totalBytes: number
  /** How many files can still be made; absent where the file system does not count them. */
  readonly freeInodes?: number
  readonly totalInodes?: number
}

/** The room where `path` is, or would be: for what does not exist, the nearest folder above it counts. Throws `FILE_ACCESS`. */
export async function spaceAt(path: string): Promise<Space> {
  for (let at = resolve(path); ; at = dirname(at)) {
    try {
      return await spaceOf(at)
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' || at === dirname(at)) throw fileFailure('measure the space of', path, error)
    }
  }
}

/** The room in a folder that exists. Throws errors of the system. */
export async function spaceOf(folder: string): Promise<Space> {
  const { bavail, bsize, blocks, ffree, files } = await statfs(pathBytes(folder), { bigint: true })
  const bytes = { freeBytes: Number(bavail * bsize), totalBytes: Number(blocks * bsize) }
  return files === 0n ? bytes : { ...bytes, freeInodes: Number(ffree), totalInodes: Number(files) }
}
