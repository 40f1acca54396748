// SPDX-License-Identifier: Apache-2.0
import { fstatSync, writeSync } from 'node:fs'
import { type FileHandle, stat } from 'node:fs/promises'

/**
 * Writes all of `content`, at `position` or where the file handle stands. One call may write less than asked for: a nearly full
 * disk, a signal, more than 2 GB.
 */
export async function writeWhole(handle: FileHandle, content: Uint8Array, position?: number): Promise<void> {
  for (let done = 0; done < content.length; ) {
    const at = position === undefined ? null : position + done
    const { bytesWritten } = await handle.write(content, done, content.length - done, at)
    done += bytesWritten
  }
}

/** As {@link writeWhole}, synchronously. */
export function writeWholeNow(descriptor: number, content: Uint8Array): void {
  for (let done = 0; done < content.length; ) done += writeSync(descriptor, content, done)
}

/** Forces a new file of `bytes` bytes to the disk, and checks that all of it is there. What replaces a good file must be whole. */
export async function syncWhole(handle: FileHandle, bytes: number): Promise<void> {
  await handle.sync()
  assertWhole((await handle.stat()).size, bytes)
}

/**
 * Checks that the file that is written to is still the one at `path`, with `bytes` bytes: a folder may be removed, replaced
 * or unmounted under a process that writes, and the file that it has open takes everything without an error.
 */
export async function assertInPlace(handle: FileHandle, path: string, bytes: number): Promise<void> {
  const [own, there] = await Promise.all([handle.stat(), stat(path)])
  if (own.ino !== there.ino || own.dev !== there.dev)
    throw Object.assign(new Error('another file is in its place'), { code: 'ESTALE' })
  assertWhole(own.size, bytes)
}

/** Checks that an open file has `bytes` bytes, synchronously. */
export function assertWholeNow(descriptor: number, bytes: number): void {
  assertWhole(fstatSync(descriptor).size, bytes)
}

/** Node 20.11.0, whose libuv writes through io_uring, reports a write as done on a full disk. */
function assertWhole(size: number, bytes: number): void {
  if (size !== bytes)
    throw Object.assign(new Error(`${size} of ${bytes} bytes arrived on the disk`), { code: 'ENOSPC' })
}
