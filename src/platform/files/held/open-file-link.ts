import { readlink, realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'

const maxLinks = 40

/**
 * Whether a link leads, at once or through others, into /proc: as /dev/stdout and /dev/fd/1 do, which name an open file of the
 * process that looks, whatever kind of file that is.
 */
export async function leadsToOpenFile(path: string): Promise<boolean> {
  let at = resolve(path)
  for (let links = 0; links < maxLinks; links++) {
    try {
      at = join(await realpath(dirname(at)), basename(at))
      if (at.startsWith('/proc/')) return true
      at = resolve(dirname(at), await readlink(at))
    } catch {
      // No link any more: what it leads to is no open file, or nothing.
      return at.startsWith('/proc/')
    }
  }
  return true
}
