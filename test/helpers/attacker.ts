// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

const nobody = 65_534

/** Runs shell lines as a user without rights; they stop the test when they fail. */
export function asAttacker(...lines: readonly string[]): void {
  const { status, stderr } = spawnSync('sh', ['-ec', lines.join('\n')], { uid: nobody, gid: nobody, encoding: 'utf8' })
  if (status !== 0) throw new Error(`the attacker failed: ${stderr}`)
}

/** A folder that belongs to the attacker, and to which he has a way. */
export function attackersFolder(root: string, ...parts: readonly string[]): string {
  chmodSync(root, 0o755)
  let path = root
  for (const part of parts) {
    path = join(path, part)
    mkdirSync(path, { recursive: true })
    chmodSync(path, 0o755)
  }
  chownSync(path, nobody, nobody)
  return path
}

/** What this process holds open below `folder`, or all that is open. */
export function openDescriptors(folder = ''): readonly string[] {
  return readdirSync('/proc/self/fd').flatMap(fd => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`)
      return path.startsWith(folder) ? [path] : []
    } catch {
      // The one that listed them.
      return []
    }
  })
}
