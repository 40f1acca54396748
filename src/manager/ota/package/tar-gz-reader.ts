// SPDX-License-Identifier: Apache-2.0

import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'

import { withoutStop } from '../../../base/errors.ts'
import { fileChunks } from '../../../platform/held/file-chunks.ts'

import type { VisitEntry } from './archive-entry.ts'
import { checkRatio, packageLimits } from './entry-policy.ts'
import { readTar } from './tar-reader.ts'
import { badPackage } from './update-error.ts'

/** Headers and padding add to the content. */
const maxTarBytes = packageLimits.maxBytes + packageLimits.maxEntries * 4096

/** Reads a gzip'd tar file entry by entry; what it unpacks to is bounded. Throws as {@link readTar}. */
export async function readTarGz(path: string, archiveBytes: number, visit: VisitEntry): Promise<{ hasMore: boolean }> {
  let end = { hasMore: false }
  await pipeline(Readable.from(fileChunks(path)), createGunzip(), async (chunks: AsyncIterable<Uint8Array>) => {
    end = await readTar(bounded(chunks, archiveBytes), visit)
  }).catch(error => {
    // zlib's own: no gzip file, a wrong sum, an end too early.
    const code: unknown = error?.code
    if (typeof code === 'string' && code.startsWith('Z_'))
      throw badPackage(`The package is not a whole gzip file: ${withoutStop(error.message)}.`, error)
    throw error
  })
  return end
}

async function* bounded(chunks: AsyncIterable<Uint8Array>, archiveBytes: number): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    checkRatio(bytes, archiveBytes)
    if (bytes > maxTarBytes) throw badPackage(`The package unpacks to more than ${packageLimits.maxBytes} bytes.`)
    yield chunk
  }
}
