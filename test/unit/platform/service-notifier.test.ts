// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../../src/base/clock.ts'
import { Log, type LogRecord } from '../../../src/base/log.ts'
import { wholeEnvironment } from '../../../src/platform/process/process-facts.ts'
import { runProgram } from '../../../src/platform/process/program.ts'
import { ServiceNotifier } from '../../../src/platform/process/service-notifier.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

interface Scene {
  readonly notifier: ServiceNotifier | undefined
  readonly records: readonly LogRecord[]
  /** What the program was called with, a line a call. */
  calls(): string[]
}

/** A stand-in for systemd-notify, and the environment that systemd gives a service. */
function scene(t: TestContext, variables: Record<string, string>, script = ''): Scene {
  const folder = tempDir(t)
  const program = join(folder, 'systemd-notify')
  const log = join(folder, 'calls')
  const text = `#!/bin/sh\n${script}\necho "$NOTIFY_SOCKET $PPID $*" >>${log}\n`
  writeFileSync(program, text)
  chmodSync(program, 0o755)
  Object.assign(process.env, variables)
  const records: LogRecord[] = []
  const parts = {
    clock: systemClock,
    log: Log.create({ clock: systemClock, sink: record => void records.push(record) }),
  }
  const notifier = ServiceNotifier.take({ ...parts, places: [join(folder, 'not-there'), program] })
  for (const name of Object.keys(variables)) assert.equal(process.env[name], undefined, `${name} is taken away`)
  const calls = () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [])
  return { notifier, records, calls }
}

const pid = String(process.pid)

test('tells in order and in the name of this process, and joins what waits meanwhile', async t => {
  const { notifier, calls } = scene(t, { NOTIFY_SOCKET: '/run/notify' })
  notifier?.notify({ READY: '1', STATUS: 'one' })
  notifier?.notify({ STATUS: 'two\nMAINPID=1' })
  notifier?.notify({ WATCHDOG: '1', STATUS: 'three\nMAINPID=1' })
  notifier?.notify({ RELOADING: '1' })
  notifier?.notify({ READY: '1' })
  await notifier?.flush()
  assert.deepEqual(calls(), [
    `/run/notify ${pid} READY=1 STATUS=one`,
    `/run/notify ${pid} STATUS=three MAINPID=1 WATCHDOG=1 RELOADING=1`,
    `/run/notify ${pid} READY=1`,
  ])
})

test('no script gets what systemd meant for this process, and a restart in the same process does', async t => {
  scene(t, { NOTIFY_SOCKET: '/run/notify', WATCHDOG_USEC: '300000000', WATCHDOG_PID: pid })
  const outcome = await runProgram({ file: 'env', timeoutMs: 10_000, maxOutputBytes: 1e6, clock: systemClock })
  assert.doesNotMatch(outcome.stdout, /NOTIFY_SOCKET|WATCHDOG/)
  const whole = wholeEnvironment()
  assert.deepEqual([whole.NOTIFY_SOCKET, whole.WATCHDOG_USEC, whole.WATCHDOG_PID], ['/run/notify', '300000000', pid])
})

test('knows its watchdog time, unless another process is meant or there is none', t => {
  const time = (variables: Record<string, string>) =>
    scene(t, { NOTIFY_SOCKET: '/run/notify', ...variables }).notifier?.watchdogMs
  assert.equal(time({ WATCHDOG_USEC: '300000000', WATCHDOG_PID: pid }), 300_000)
  assert.equal(time({ WATCHDOG_USEC: '300000000' }), 300_000)
  assert.equal(time({ WATCHDOG_USEC: '300000000', WATCHDOG_PID: '1' }), undefined)
  assert.equal(time({ WATCHDOG_USEC: '0' }), undefined)
  assert.equal(time({ WATCHDOG_USEC: 'soon' }), undefined)
  assert.equal(time({}), undefined)
})

test('outside of systemd there is no listener', t => {
  assert.equal(scene(t, {}).notifier, undefined)
})

test('a program that fails or is gone is logged with its remedy, and stops nothing', async t => {
  const { notifier, records } = scene(t, { NOTIFY_SOCKET: '/run/notify' }, 'echo no such bus >&2; exit 3')
  notifier?.notify({ READY: '1' })
  await notifier?.flush()
  assert.match(JSON.stringify(records), /exit code 3: no such bus.*service install/)
})
