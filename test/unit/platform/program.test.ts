// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../../src/base/clock.ts'
import { OutputTail } from '../../../src/platform/process/output-tail.ts'
import { isRunning } from '../../../src/platform/process/process-facts.ts'
import { type ProgramRequest, runProgram } from '../../../src/platform/process/program.ts'
import { eventually } from '../../helpers/eventually.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

function sh(script: string, more: Partial<ProgramRequest> = {}) {
  const base = { file: '/bin/sh', timeoutMs: 60_000, maxOutputBytes: 1000, clock: systemClock }
  return runProgram({ ...base, args: ['-c', script, 'name', '$(id)', 'a b'], ...more })
}

test('runs a program without a shell around its arguments', async () => {
  const outcome = await sh('printf "%s|" "$@"; echo no >&2; exit 3')
  assert.deepEqual(outcome, { ended: 'exit', exitCode: 3, stdout: '$(id)|a b|', stderr: 'no\n', cutBytes: 0 })
})

test('tells the signal that ended a program', async () => {
  const { exitCode, signal } = await sh('kill -9 $$')
  assert.deepEqual([exitCode, signal], [undefined, 'SIGKILL'])
})

test('keeps the end of a long output and counts what is cut', async () => {
  const { stdout, cutBytes } = await sh('i=0; while [ $i -lt 20000 ]; do echo line$i; i=$((i+1)); done')
  assert.equal(stdout.length, 1000)
  assert.match(stdout, /line19999\n$/)
  assert.ok(cutBytes > 180_000)
})

test('a character that is cut in the middle is left out whole', () => {
  const tail = new OutputTail(3)
  tail.add(Buffer.from('aé€'))
  assert.equal(tail.text(), '€')
  tail.add(Buffer.from('b'))
  assert.equal(tail.text(), 'b')
  assert.equal(tail.cutBytes, 4)
})

test('after the timeout everything that the program started is ended as well', async t => {
  const folder = tempDir(t)
  const clock = new FakeClock()
  const work = sh(`sleep 1000 & echo $! > pid.new; mv pid.new pid; trap '' TERM; wait; wait`, {
    folder,
    timeoutMs: 5000,
    clock,
  })
  await eventually('the grandchild', () => existsSync(join(folder, 'pid')))
  const grandchild = Number(readFileSync(join(folder, 'pid'), 'utf8'))
  assert.equal(isRunning(grandchild), true)
  await clock.advance(5000)
  await clock.advance(5000)
  assert.equal((await work).ended, 'timeout')
  await eventually('its end', () => !isRunning(grandchild) || isZombie(grandchild))
})

/** Where no process reaps orphans (a container without init), a dead process keeps its id. */
function isZombie(pid: number): boolean {
  return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
}

test('an abort ends the program; an earlier one keeps it from starting', async () => {
  const controller = new AbortController()
  const work = sh('sleep 1000', { signal: controller.signal })
  setImmediate(() => controller.abort())
  assert.equal((await work).ended, 'aborted')
  await assert.rejects(sh('true', { signal: controller.signal }), { code: 'ABORTED' })
})

test('a service that a script leaves behind keeps neither the caller waiting nor is it ended', async t => {
  const folder = tempDir(t)
  const { stdout } = await sh('sleep 1000 & echo $!', { folder })
  const service = Number(stdout)
  t.after(() => process.kill(service, 'SIGKILL'))
  assert.equal(isRunning(service), true)
})

test('variables are for this run only, and a clean environment has nothing else', async t => {
  process.env.DEVICE_CLOUD_TEST_SECRET = 'hunter2'
  t.after(() => delete process.env.DEVICE_CLOUD_TEST_SECRET)
  const variables = { HDC_EXTRA_PARAMS: 'a=b c' }
  const clean = await sh('env', { environment: 'clean', variables })
  assert.match(clean.stdout, /^HDC_EXTRA_PARAMS=a=b c$/m)
  assert.match(clean.stdout, /^PATH=/m)
  assert.doesNotMatch(clean.stdout, /hunter2/)
  assert.equal(process.env.HDC_EXTRA_PARAMS, undefined)
  assert.match((await sh('echo $DEVICE_CLOUD_TEST_SECRET')).stdout, /hunter2/)
})

test('what cannot be started is told: no program, no folder, a NUL in an argument', async t => {
  const folder = tempDir(t)
  await assert.rejects(sh('', { file: join(folder, 'none') }), { code: 'FILE_NOT_FOUND' })
  await assert.rejects(sh('', { folder: join(folder, 'none') }), /that folder does not exist/)
  await assert.rejects(sh('', { args: ['a\0b'] }), { code: 'FILE_ACCESS' })
  await assert.rejects(sh('', { file: folder }), { code: 'FILE_ACCESS' })
})
