// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { systemText } from '../../../src/platform/system/system-file.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

/** Whether the text is there before the event loop goes on, so that a file that takes long would hold everything up. */
async function isReadWithinTheTurn(t: TestContext, path: string): Promise<boolean> {
  const root = tempDir(t)
  mkdirSync(join(root, path, '..'), { recursive: true })
  writeFileSync(join(root, path), '42000\n')
  let isRead = false
  const reading = systemText(root, path).then(text => {
    isRead = true
    return text
  })
  for (let steps = 0; steps < 100; steps++) await Promise.resolve()
  const before = isRead
  assert.equal(await reading, '42000')
  return before
}

test('a sensor of /sys, which may take seconds to answer, holds up nothing', async t => {
  assert.equal(await isReadWithinTheTurn(t, 'sys/class/thermal/thermal_zone0/temp'), false)
})

test('what the kernel knows by itself is read at once', async t => {
  assert.equal(await isReadWithinTheTurn(t, 'proc/uptime'), true)
})
