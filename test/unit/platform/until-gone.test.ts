// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../../src/base/clock.ts'
import { processIdentity } from '../../../src/platform/process/process-identity.ts'
import { untilGone } from '../../../src/platform/process/watched-process.ts'
import { needsRoot } from '../../helpers/as-root.ts'
import { fromSource } from '../../helpers/from-source.ts'

const timeoutMs = 200

test('a process that outlives its time is ended', async t => {
  const child = spawn('sleep', ['60'])
  t.after(() => child.kill('SIGKILL'))
  const exit = once(child, 'exit')
  await untilGone(await processIdentity(child.pid ?? 0), timeoutMs, systemClock)
  assert.deepEqual(await exit, [null, 'SIGKILL'])
})

test('without /proc no process is ended for a pid alone', needsRoot, t => {
  if (spawnSync('unshare', ['--mount', 'true']).status !== 0) return t.skip('nobody gets mounts of his own here')
  const source = (path: string) => JSON.stringify(resolve(import.meta.dirname, '../../../src', path))
  const code = `
    const { spawn } = require('node:child_process')
    const child = spawn('sleep', ['60'])
    const run = async () => {
      const { systemClock } = await import(${source('base/clock.ts')})
      const { processIdentity } = await import(${source('platform/process/process-identity.ts')})
      const { untilGone } = await import(${source('platform/process/watched-process.ts')})
      const mark = await processIdentity(child.pid)
      await untilGone(mark, ${timeoutMs}, systemClock)
      await new Promise(resolve => setTimeout(resolve, ${timeoutMs}))
      console.log(mark === child.pid + ' - -', child.signalCode)
    }
    run().finally(() => child.kill('SIGKILL'))`
  // In a mount namespace of its own.
  const line = 'mount --make-rprivate / && umount -l /proc && exec "$0" "$@"'
  const args = ['--mount', 'sh', '-c', line, process.execPath, ...fromSource, '-e', code]
  const { stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8' })
  assert.equal(stdout, 'true null\n', stderr)
})
