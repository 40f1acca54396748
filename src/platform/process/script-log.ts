// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { errnoOf } from '../../base/errors.ts'
import { onFile } from '../files/on-file.ts'
import { readWhole } from '../files/read-whole.ts'
import { OutputTail } from './output-tail.ts'

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_RDONLY, O_RDWR, O_WRONLY } = constants

/** Opens a private log for appending; a link is not followed. */
export function openScriptLog(path: string): Promise<FileHandle> {
  return onFile('open', path, () => open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0o600))
}

/** The end of a log as text, at most `maxBytes`; empty when there is none. */
export async function scriptLogTail(path: string, maxBytes: number): Promise<string> {
  return await withLog(path, O_RDONLY, '', async (handle, bytes) => {
    const tail = new OutputTail(maxBytes)
    // One byte more, so that a cut inside a character is seen.
    tail.add(await readEnd(handle, bytes, maxBytes + 1))
    return tail.text()
  })
}

/**
 * Cuts a log that has grown beyond `maxBytes` down to its last quarter, with a note in place of the rest. Programs
 * that append to it meanwhile go on behind that.
 */
export async function boundScriptLog(path: string, maxBytes: number): Promise<void> {
  await withLog(path, O_RDWR | O_APPEND, undefined, async (handle, bytes) => {
    if (bytes <= maxBytes) return
    const kept = await readEnd(handle, bytes, Math.floor(maxBytes / 4))
    await handle.truncate(0)
    await handle.write(Buffer.concat([Buffer.from(`[... ${bytes - kept.length} bytes were cut off here ...]\n`), kept]))
  })
}

async function withLog<T>(
  path: string,
  flags: number,
  absent: T,
  work: (handle: FileHandle, bytes: number) => Promise<T>,
): Promise<T> {
  return await onFile('read', path, async () => {
    let handle: FileHandle
    try {
      handle = await open(path, flags | O_NOFOLLOW)
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return absent
      throw error
    }
    try {
      return await work(handle, (await handle.stat()).size)
    } finally {
      await handle.close()
    }
  })
}

function readEnd(handle: FileHandle, bytes: number, maxBytes: number): Promise<Buffer> {
  const length = Math.min(bytes, maxBytes)
  return readWhole(handle, bytes - length, length)
}
