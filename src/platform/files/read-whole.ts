// SPDX-License-Identifier: Apache-2.0
import type { FileHandle } from 'node:fs/promises'

/**
 * Up to `maxBytes` bytes of an open file, from `position` or, where that is null, from where the handle stands; fewer at its end. Files of
 * /proc give less than they have at each read, so it goes on until nothing comes.
 */
export async function readWhole(handle: FileHandle, position: number | null, maxBytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(maxBytes)
  let done = 0
  while (done < maxBytes) {
    const at = position === null ? null : position + done
    const { bytesRead } = await handle.read(buffer, done, maxBytes - done, at)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return buffer.subarray(0, done)
}
