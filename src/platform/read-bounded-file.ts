import { type FileHandle, open } from 'node:fs/promises'
import { AgentError, errnoOf, messageOf } from '../base/errors.ts'

/**
 * The whole content of a file that must not be larger than `maxBytes`.
 *
 * @throws AgentError `FILE_NOT_FOUND`, `FILE_ACCESS` (also when it is no regular file), `LIMIT_EXCEEDED`
 */
export async function readBoundedFile(path: string, maxBytes: number): Promise<Buffer> {
  let file: FileHandle | undefined
  try {
    file = await open(path, 'r')
    const facts = await file.stat()
    if (!facts.isFile()) throw new AgentError('FILE_ACCESS', `${path}: not a regular file`)
    // One byte more than allowed tells a file that is too large (or grows) without reading all of it.
    const room = Buffer.alloc(Math.min(facts.size, maxBytes) + 1)
    let used = 0
    for (;;) {
      const { bytesRead } = await file.read(room, used, room.length - used)
      used += bytesRead
      if (bytesRead === 0 || used === room.length) break
    }
    if (used > maxBytes) throw new AgentError('LIMIT_EXCEEDED', `${path}: larger than ${maxBytes} bytes`)
    return room.subarray(0, used)
  } catch (error) {
    if (error instanceof AgentError) throw error
    const code = errnoOf(error) === 'ENOENT' ? 'FILE_NOT_FOUND' : 'FILE_ACCESS'
    throw new AgentError(code, `${path}: ${messageOf(error)}`, { cause: error })
  } finally {
    await file?.close()
  }
}
