// SPDX-License-Identifier: Apache-2.0
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readBoundedText } from '../files/read-file.ts'
import { readNow } from '../files/read-now.ts'

const maxBytes = 256 * 1024

/** To read a file here may access the hardware, and a broken sensor takes seconds to fail. */
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
    // These files differ from system to system: a missing one is normal.
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
