// SPDX-License-Identifier: Apache-2.0
import type { FileHandle } from 'node:fs/promises'
import { AgentError } from '../../base/errors.ts'
import { onFile } from './on-file.ts'
import { openToRead } from './open-to-read.ts'
import { readWhole } from './read-whole.ts'

/** A part of a text file, in whole lines. */
export interface TextPart {
  readonly text: string
  /** The file goes on before or behind it. */
  readonly isCut: boolean
}

const newline = 0x0a

/**
 * The beginning of a regular file, up to the last line end within `maxBytes` when there is more. Works for /proc too.
 *
 * @throws AgentError `FILE_NOT_FOUND`, `FILE_ACCESS` (also for a folder, a device or a pipe)
 */
export function readFirstLines(path: string, maxBytes: number): Promise<TextPart> {
  return withFile(path, async file => {
    const bytes = await readWhole(file, null, maxBytes + 1)
    if (bytes.length <= maxBytes) return { text: bytes.toString('utf8'), isCut: false }
    const end = bytes.lastIndexOf(newline, maxBytes - 1) + 1
    return { text: bytes.toString('utf8', 0, end), isCut: true }
  })
}

/**
 * The end of a regular file, from the first whole line within its last `maxBytes` on. A longer line is
 * left out: half of it could hold half of a secret.
 *
 * @throws AgentError `FILE_NOT_FOUND`, `FILE_ACCESS`
 */
export function readLastLines(path: string, maxBytes: number): Promise<TextPart> {
  return withFile(path, async file => {
    const { size } = await file.stat()
    // One byte more shows whether the first line begins there.
    const from = Math.max(0, size - maxBytes - 1)
    const bytes = await readWhole(file, from, maxBytes + 1)
    if (from === 0 && bytes.length <= maxBytes) return { text: bytes.toString('utf8'), isCut: false }
    const start = bytes.indexOf(newline)
    return { text: start < 0 ? '' : bytes.toString('utf8', start + 1), isCut: true }
  })
}

function withFile<T>(path: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
  return onFile('read', path, async () => {
    const file = await openToRead(path)
    try {
      if (!(await file.stat()).isFile())
        throw new AgentError('FILE_ACCESS', `Cannot read ${path}: it is not a regular file.`, {
          details: { path },
          remedy: 'Name a regular file.',
        })
      return await work(file)
    } finally {
      await file.close()
    }
  })
}
