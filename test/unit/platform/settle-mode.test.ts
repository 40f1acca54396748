// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdirSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { settleMode } from '../../../src/platform/files/settle-mode.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

test('a new folder gets its mode, and what has come in its place as a link keeps its own', async t => {
  const root = tempDir(t)
  const made = join(root, 'made')
  mkdirSync(made, { mode: 0o500 })
  await settleMode(made, 0o750)
  assert.equal(statSync(made).mode & 0o777, 0o750)

  const etc = join(root, 'etc')
  mkdirSync(etc, { mode: 0o755 })
  symlinkSync(etc, join(root, 'upload'))
  await assert.rejects(settleMode(join(root, 'upload'), 0o700), { code: 'ENOTDIR' })
  assert.equal(statSync(etc).mode & 0o777, 0o755)
})
