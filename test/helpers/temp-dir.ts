// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

const folders: string[] = []

/**
 * A new empty folder that is removed when the test ends.
 *
 * The runner calls what a test registers in that order, so a process which a later hook stops may still be writing
 * here: whatever it leaves is removed when the file ends.
 */
export function tempDir(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'device-cloud-test-'))
  if (folders.push(path) === 1) process.once('exit', removeAll)
  t.after(() => {
    try {
      rmSync(path, { recursive: true, force: true })
    } catch {
      // Another process is still writing.
    }
  })
  return path
}

/** What still cannot be removed belongs to a process that a test forgot, and fails the file. */
function removeAll(): void {
  for (const path of folders) rmSync(path, { recursive: true, force: true, maxRetries: 5 })
}
