// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants
const firstBytes = 4096
const maxStepBytes = 64 * 1024

/**
 * The first `maxBytes` bytes of a small regular file, within this turn of the event loop; undefined for anything else, such as a
 * folder or a pipe. In the thread pool each of its five system calls would cost more than all of them do here.
 *
 * @param o.followLinks whether a link is followed; default: it is refused with `ELOOP`
 * @throws the error of the system, such as `ENOENT`
 */
export function readNow(
  path: string,
  maxBytes: number,
  o: { readonly followLinks?: boolean } = {},
): Buffer | undefined {
  const file = openSync(path, O_RDONLY | O_NONBLOCK | (o.followLinks === true ? 0 : O_NOFOLLOW))
  try {
    if (!fstatSync(file).isFile()) return undefined
    const parts: Buffer[] = []
    for (let left = maxBytes, step = firstBytes; left > 0; step = Math.min(maxStepBytes, step * 2)) {
      const part = Buffer.allocUnsafe(Math.min(step, left))
      const bytes = readSync(file, part)
      if (bytes === 0) break
      left -= bytes
      parts.push(part.subarray(0, bytes))
    }
    return Buffer.concat(parts)
  } finally {
    closeSync(file)
  }
}
