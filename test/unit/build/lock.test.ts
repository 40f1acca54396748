// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { withLock } from '../../../build/executable/lock.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const silent = () => {}

test('two builders take turns', async t => {
  const path = join(tempDir(t), 'deep', 'build.lock')
  const log: string[] = []
  const work = (name: string) => () => {
    log.push(`${name} begins`)
    return new Promise<void>(resolve =>
      setImmediate(() => {
        log.push(`${name} ends`)
        resolve()
      }),
    )
  }
  await Promise.all([withLock(path, silent, work('one')), withLock(path, silent, work('two'))])
  assert.deepEqual(
    log.toSorted((a, b) => a.slice(0, 3).localeCompare(b.slice(0, 3))),
    ['one begins', 'one ends', 'two begins', 'two ends'],
  )
  assert.ok(['one begins,one ends', 'two begins,two ends'].includes(log.slice(0, 2).join()))
  assert.equal(existsSync(path), false)
})

test('a lock whose owner died is taken over', async t => {
  const path = join(tempDir(t), 'build.lock')
  const dead = spawnSync(process.execPath, ['--version']).pid
  writeFileSync(path, `${dead}\n`)
  assert.equal(await withLock(path, silent, async () => 'done'), 'done')
})

test('a failed build gives the lock back', async t => {
  const path = join(tempDir(t), 'build.lock')
  await assert.rejects(
    withLock(path, silent, () => Promise.reject(new Error('no'))),
    /no/,
  )
  assert.equal(existsSync(path), false)
})
