// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { openReadableFile } from './readable-file.ts'

const chunkBytes = 64 * 1024

/** The content of a file, piece by piece, each in a buffer of its own. Throws `FILE_NOT_FOUND`, `FILE_ACCESS`. */
export async function* fileChunks(path: string): AsyncGenerator<Uint8Array> {
  const file = await openReadableFile(path, { followLinks: true })
  try {
    for (let position = 0; ; ) {
      const chunk = Buffer.allocUnsafeSlow(chunkBytes)
      const bytes = await file.read(chunk, position)
      if (bytes === 0) return
      position += bytes
      yield chunk.subarray(0, bytes)
    }
  } finally {
    await file.close()
  }
}

/** The SHA-256 of a file, lower-case hex. Throws `FILE_NOT_FOUND`, `FILE_ACCESS`. */
export async function fileSum(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of fileChunks(path)) hash.update(chunk)
  return hash.digest('hex')
}
