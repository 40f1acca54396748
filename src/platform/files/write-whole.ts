import { type FileHandle, stat } from 'node:fs/promises'

/** Writes all of `content` where the file handle stands. One call may write less than asked for: a nearly full disk, or a signal. */
export async function writeWhole(handle: FileHandle, content: Uint8Array): Promise<void> {
  for (let done = 0; done < content.length; ) {
    const { bytesWritten } = await handle.write(content, done, content.length - done)
    done += bytesWritten
  }
}

/** Forces a new file of `bytes` bytes to the disk, and looks whether all of it is there. What replaces a good file must be whole. */
export async function syncWhole(handle: FileHandle, bytes: number): Promise<void> {
  await handle.sync()
  assertWhole((await handle.stat()).size, bytes)
}

/**
 * Looks whether the file that is written to is still the one at `path`, with `bytes` bytes: a folder may be removed, replaced
 * or unmounted under a process that writes, and the file that it has open takes everything without a word.
 */
export async function assertInPlace(handle: FileHandle, path: string, bytes: number): Promise<void> {
  const [own, there] = await Promise.all([handle.stat(), stat(path)])
  if (own.ino !== there.ino || own.dev !== there.dev)
    throw Object.assign(new Error('another file is in its place'), { code: 'ESTALE' })
  assertWhole(own.size, bytes)
}

/** Node 20.11.0, whose libuv writes through io_uring, says "written" on a full disk. */
export function assertWhole(size: number, bytes: number): void {
  if (size !== bytes)
    throw Object.assign(new Error(`${size} of ${bytes} bytes arrived on the disk`), { code: 'ENOSPC' })
}
