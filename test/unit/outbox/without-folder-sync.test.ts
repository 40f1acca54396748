// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { drain, numbers, openStore } from '../../helpers/flash-scene.ts'
import { tempDir } from '../../helpers/temp-dir.ts'
import { refusedSyncs } from '../../helpers/without-folder-sync.ts'

test('the outbox is kept on flash where the file system cannot sync a folder', async t => {
  const path = tempDir(t)
  const first = await openStore(t, path, 'always')
  for (const text of numbers(1, 20)) await first.put(text).kept
  assert.ok(refusedSyncs() > 0, 'the file system was not asked')
  assert.deepEqual(first.troubles, [])
  assert.ok(readdirSync(path).length > 0, 'nothing is on flash')
  // No close: the process is gone.
  const second = await openStore(t, path, 'always')
  assert.deepEqual(await drain(second), numbers(1, 20))
  assert.deepEqual(second.troubles, [])
})
