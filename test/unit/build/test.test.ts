// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { root } from '../../../build/places.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

/** Runs build/test.ts over one test file with `text`. */
function runOver(t: TestContext, text: string, ...flags: string[]) {
  const folder = tempDir(t)
  const file = join(folder, 'scene.test.ts')
  writeFileSync(file, `import { test } from 'node:test'\n${text}`)
  // Node marks the processes of a test run; the runs inside must not take themselves for a part of it.
  const { NODE_TEST_CONTEXT: _, ...own } = process.env
  const failures = join(folder, 'failures')
  const env = { ...own, FAILING_TESTS_FILE: failures }
  const args = ['--import', 'tsx', join(root, 'build/test.ts'), file, ...flags]
  const run = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', env: { ...env, FORCE_COLOR: '1' } })
  return { ...run, failures: existsSync(failures) ? readFileSync(failures, 'utf8') : undefined }
}

const skipping = "test('works', () => {})\ntest('needs an emulator', t => t.skip('qemu is missing'))\n"

test('a run with a skipped test passes and names it again with its reason', t => {
  const { status, stdout } = runOver(t, skipping)
  assert.equal(status, 0)
  assert.match(stdout, /Skipped here:\n {2}needs an emulator .*qemu is missing/)
})

test('with --no-skips a skipped test fails the run', t => {
  const { status, stderr } = runOver(t, skipping, '--no-skips')
  assert.equal(status, 1)
  assert.match(stderr, /1 tests were skipped/)
})

test('a failing test fails the run and is told in the file for that, a passing one with --no-skips does not', t => {
  const failing = runOver(t, "test('fails', () => { throw new Error('no') })")
  assert.equal(failing.status, 1)
  assert.match(failing.failures ?? '', /build\/test\.ts .*exit code 1\n✖ failing tests:.*✖ fails .*Error: no/s)
  const passing = runOver(t, "test('works', () => {})", '--no-skips')
  assert.deepEqual([passing.status, passing.failures], [0, undefined])
})

test('a name that is neither level nor file is refused', t => {
  const { status, stderr } = runOver(t, '', 'nonsense')
  assert.equal(status, 2)
  assert.match(stderr, /nonsense is neither a level \(unit, integration, system\) nor a file\./)
})
