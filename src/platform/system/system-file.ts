import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readBoundedText } from '../files/read-file.ts'
import { readNow } from '../files/read-now.ts'

const maxBytes = 256 * 1024

/** A file here may ask the hardware, and a broken sensor takes seconds to say so. */
const hardware = 'sys/'

/** The trimmed text of a small file of the system (/etc, /proc, /sys), or undefined when it cannot be read. `root` is `/` except in tests. */
export async function systemText(root: string, path: string): Promise<string | undefined> {
  try {
    const at = join(root, path)
    if (path.startsWith(hardware)) return (await readBoundedText(at, maxBytes)).trim()
    const content = readNow(at, maxBytes + 1, { followLinks: true })
    if (content === undefined || content.length > maxBytes) return undefined
    return new TextDecoder().decode(content).trim()
  } catch {
    // Which of these files exist differs from system to system: a missing one is an answer.
    return undefined
  }
}

/** The sorted names in a folder of the system; none when it cannot be read. */
export async function systemNames(root: string, path: string): Promise<readonly string[]> {
  try {
    return (await readdir(join(root, path))).sort()
  } catch {
    return []
  }
}
