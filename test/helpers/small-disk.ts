// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
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

/** How a disk can fail a write. */
export type DiskFault = 'full' | 'without inodes' | 'read-only'

/** A file system of its own that a test breaks and heals. */
export interface SmallDisk {
  readonly path: string
  break(): void
  heal(): void
}

/** As {@link mountTmpfs}, of 1 MiB and healthy at first; `break` makes it fail in the one way named. */
export function smallDisk(t: TestContext, fault: DiskFault): SmallDisk | undefined {
  const path = mkdtempSync(join(tmpdir(), 'device-cloud-disk-'))
  const flags = `size=1m,nr_inodes=${fault === 'without inodes' ? 32 : 4096},mode=0700`
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', flags, 'tmpfs', path]).status !== 0) {
    rmdirSync(path)
    t.skip('mounting a tmpfs is not permitted here')
    return undefined
  }
  t.after(() => {
    spawnSync('umount', ['-l', path])
    rmdirSync(path)
  })
  const filler = join(path, 'filler')
  const remount = (mode: string) => {
    const { status, stderr } = spawnSync('mount', ['-o', `remount,${mode}`, path], { encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
  }
  return {
    path,
    break() {
      if (fault === 'read-only') return remount('ro')
      mkdirSync(filler)
      untilRefused(n => writeFileSync(join(filler, `${n}`), fault === 'full' ? Buffer.alloc(4096) : ''))
    },
    heal() {
      if (fault === 'read-only') remount('rw')
      else rmSync(filler, { recursive: true })
    },
  }
}

/** Does something over and over until the disk refuses. */
function untilRefused(work: (n: number) => void): void {
  for (let n = 0; ; n++) {
    try {
      work(n)
    } catch {
      return
    }
  }
}
