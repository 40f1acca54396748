// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, linkSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { putInPlace } from '../../../src/platform/files/put-in-place.ts'
import { readFirstLines, readLastLines } from '../../../src/platform/files/read-part.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

test('reads the beginning and the end of a file in whole lines', async t => {
  const path = join(tempDir(t), 'log')
  writeFileSync(path, 'one\ntwo\nthree\n')
  assert.deepEqual(await readFirstLines(path, 14), { text: 'one\ntwo\nthree\n', isCut: false })
  assert.deepEqual(await readFirstLines(path, 13), { text: 'one\ntwo\n', isCut: true })
  assert.deepEqual(await readLastLines(path, 14), { text: 'one\ntwo\nthree\n', isCut: false })
  assert.deepEqual(await readLastLines(path, 13), { text: 'two\nthree\n', isCut: true })
  assert.deepEqual(await readLastLines(path, 10), { text: 'two\nthree\n', isCut: true })
  assert.deepEqual(await readLastLines(path, 9), { text: 'three\n', isCut: true })
  writeFileSync(path, 'x'.repeat(100))
  assert.deepEqual(await readLastLines(path, 10), { text: '', isCut: true }, 'half of a line is nothing')
  assert.deepEqual(await readFirstLines(path, 10), { text: '', isCut: true })
  assert.match((await readFirstLines('/proc/self/status', 100_000)).text, /VmRSS/)
})

test('a pipe, a folder and a missing file are told, not waited for', async t => {
  const folder = tempDir(t)
  execFileSync('mkfifo', [join(folder, 'pipe')])
  for (const read of [readFirstLines, readLastLines]) {
    await assert.rejects(read(join(folder, 'pipe'), 10), { code: 'FILE_ACCESS' })
    await assert.rejects(read(folder, 10), { code: 'FILE_ACCESS' })
    await assert.rejects(read(join(folder, 'none'), 10), { code: 'FILE_NOT_FOUND' })
  }
})

test('a finished file gets its name, and never that of another', async t => {
  const folder = tempDir(t)
  const [from, to] = [join(folder, 'from'), join(folder, 'to')]
  writeFileSync(from, 'new')
  linkSync(from, join(folder, 'kept'))
  writeFileSync(to, 'old')
  await assert.rejects(putInPlace(from, to), { code: 'FILE_ACCESS', message: /exists already/ })
  assert.deepEqual([readFileSync(to, 'utf8'), readFileSync(from, 'utf8')], ['old', 'new'])
  await putInPlace(from, join(folder, 'other'))
  assert.deepEqual([readFileSync(join(folder, 'other'), 'utf8'), existsSync(from)], ['new', false])
})
