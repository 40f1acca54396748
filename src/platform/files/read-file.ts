// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../base/errors.ts'
import { type FileFacts, openFileFacts } from './file-facts.ts'
import { onFile } from './on-file.ts'
import { openToRead } from './open-to-read.ts'

const stepBytes = 64 * 1024

/**
 * The whole content of a regular file that must not be larger than `maxBytes`.
 * Works for /proc and /sys too, whose files report a size of 0.
 *
 * @param onOpen gets the facts of the very file that is read, even when its name leads elsewhere by then
 * @throws AgentError `FILE_NOT_FOUND`, `FILE_ACCESS` (also for a folder, a device or a pipe), `LIMIT_EXCEEDED`; what `onOpen` throws
 */
export function readBoundedFile(
  path: string,
  maxBytes: number,
  onOpen: (facts: FileFacts) => void = () => {},
): Promise<Buffer> {
  return onFile('read', path, async () => {
    const file = await openToRead(path)
    try {
      const facts = await openFileFacts(file)
      if (facts.kind !== 'file') {
        throw new AgentError('FILE_ACCESS', `Cannot read ${path}: it is not a regular file.`, {
          details: { path },
          remedy: 'Name a regular file.',
        })
      }
      onOpen(facts)
      const parts: Buffer[] = []
      for (let total = 0; ; ) {
        // One byte more than allowed shows that a file is too large (or grows) without reading all of it.
        const part = Buffer.allocUnsafe(Math.min(stepBytes, maxBytes + 1 - total))
        const { bytesRead } = await file.read(part, 0, part.length, null)
        if (bytesRead === 0) return Buffer.concat(parts)
        total += bytesRead
        if (total > maxBytes) {
          const message = `Cannot read ${path}: it is larger than ${maxBytes} bytes.`
          throw new AgentError('LIMIT_EXCEEDED', message, { details: { path, maxBytes } })
        }
        parts.push(part.subarray(0, bytesRead))
      }
    } finally {
      await file.close()
    }
  })
}

/** The same as text in UTF-8; a byte order mark is dropped, bytes that are not UTF-8 become U+FFFD. */
export async function readBoundedText(
  path: string,
  maxBytes: number,
  onOpen?: (facts: FileFacts) => void,
): Promise<string> {
  return new TextDecoder().decode(await readBoundedFile(path, maxBytes, onOpen))
}
