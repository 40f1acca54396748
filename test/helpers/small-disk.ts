import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/**
 * A file system of its own of 256 KiB, filled up to the last byte (`full`) or mounted read-only; unmounted when the test ends.
 * Skips the test and returns undefined where mounting is not permitted.
 */
export function mountTmpfs(
  t: TestContext,
  options: { readonly full?: boolean; readonly readOnly?: boolean },
): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'device-cloud-disk-'))
  const flags = `size=256k,mode=0700${options.readOnly ? ',ro' : ''}`
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', flags, 'tmpfs', folder]).status !== 0) {
    rmdirSync(folder)
    t.skip('mounting a tmpfs is not permitted here')
    return undefined
  }
  t.after(() => {
    spawnSync('umount', ['-l', folder])
    rmdirSync(folder)
  })
  if (options.full) {
    try {
      writeFileSync(join(folder, 'filler'), Buffer.alloc(512 * 1024))
    } catch {
      // As intended: no space is left.
    }
  }
  return folder
}
