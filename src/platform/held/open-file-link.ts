// SPDX-License-Identifier: Apache-2.0
import { readlink, realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'

const maxLinks = 40

/**
 * Whether a link leads, directly or through others, into /proc, like /dev/stdout and /dev/fd/1: they name an open file, of any kind,
 * of the process that uses them.
 */
export async function leadsToOpenFile(path: string): Promise<boolean> {
  let at = resolve(path)
  for (let links = 0; links < maxLinks; links++) {
    try {
      at = join(await realpath(dirname(at)), basename(at))
      if (at.startsWith('/proc/')) return true
      at = resolve(dirname(at), await readlink(at))
    } catch {
      // This is not a link any more: the way ends at another file, or at nothing.
      return at.startsWith('/proc/')
    }
  }
  return true
}
