import { createHash } from 'node:crypto'
import { fileChunks } from './file-chunks.ts'

/** The SHA-256 of a file, lower-case hex. Throws `FILE_NOT_FOUND`, `FILE_ACCESS`. */
export async function fileSum(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of fileChunks(path)) hash.update(chunk)
  return hash.digest('hex')
}
