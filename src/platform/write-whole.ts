import type { FileHandle } from 'node:fs/promises'

/** Writes all of `content` where the file handle stands. One call may write less than asked for: a nearly full disk, or a signal. */
export async function writeWhole(handle: FileHandle, content: Uint8Array): Promise<void> {
  for (let done = 0; done < content.length; ) {
    const { bytesWritten } = await handle.write(content, done, content.length - done)
    done += bytesWritten
  }
}

/**
 * Forces a new file of `bytes` bytes to the disk, and looks whether it is there: Node 20.11.0, whose libuv writes through
 * io_uring, says "written" on a full disk. What replaces a good file must be whole.
 */
export async function syncWhole(handle: FileHandle, bytes: number): Promise<void> {
  await handle.sync()
  const { size } = await handle.stat()
  if (size !== bytes)
    throw Object.assign(new Error(`${size} of ${bytes} bytes arrived on the disk`), { code: 'ENOSPC' })
}
