// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../../src/base/clock.ts'
import { carryOutPower, planPower } from '../../../src/platform/process/power.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

/** A root in which these programs write down how they were called. */
function rootWith(t: TestContext, programs: readonly string[], body = 'exit 0'): string {
  const root = tempDir(t)
  for (const path of programs) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), `#!/bin/sh\necho "\${0##*/} $*" >> ${root}/calls\n${body}\n`, { mode: 0o755 })
  }
  return root
}

async function callsOf(root: string, action: 'reboot' | 'shutdown'): Promise<string> {
  await carryOutPower(await planPower(action, { root, userId: 0 }), systemClock)
  return readFileSync(join(root, 'calls'), 'utf8').trim()
}

test('BusyBox: reboot and poweroff of /sbin', async t => {
  const programs = ['sbin/reboot', 'sbin/poweroff', 'bin/busybox']
  assert.equal(await callsOf(rootWith(t, programs), 'reboot'), 'reboot')
  assert.equal(await callsOf(rootWith(t, programs), 'shutdown'), 'poweroff')
})

test('SysV with shutdown alone', async t => {
  assert.equal(await callsOf(rootWith(t, ['sbin/shutdown']), 'reboot'), 'shutdown -r now')
  assert.equal(await callsOf(rootWith(t, ['usr/sbin/shutdown']), 'shutdown'), 'shutdown -h now')
})

test('systemd is asked itself where it runs, and only there', async t => {
  const programs = ['bin/systemctl', 'sbin/reboot', 'sbin/poweroff']
  const root = rootWith(t, programs)
  mkdirSync(join(root, 'run/systemd/system'), { recursive: true })
  assert.equal(await callsOf(root, 'shutdown'), 'systemctl poweroff')
  assert.equal(await callsOf(rootWith(t, programs), 'shutdown'), 'poweroff')
})

test('busybox without its links', async t => {
  assert.equal(await callsOf(rootWith(t, ['bin/busybox']), 'reboot'), 'busybox reboot')
})

test('a link that leads nowhere and a file that may not be run are passed over', async t => {
  const root = rootWith(t, ['usr/sbin/reboot'])
  mkdirSync(join(root, 'sbin'))
  symlinkSync('missing', join(root, 'sbin/reboot'))
  assert.equal((await planPower('reboot', { root, userId: 0 })).file, join(root, 'usr/sbin/reboot'))
})

test('without root rights it says so, and runs nothing', async t => {
  const root = rootWith(t, ['sbin/reboot'])
  await assert.rejects(planPower('reboot', { root, userId: 1000 }), {
    code: 'NOT_SUPPORTED',
    details: { reason: 'not-root' },
    message: /Run the agent as root, or set its action to false/,
  })
})

test('without any program it names those that it looked for', async t => {
  await assert.rejects(planPower('shutdown', { root: tempDir(t), userId: 0 }), {
    code: 'NOT_SUPPORTED',
    message: /none of poweroff, shutdown, halt, busybox is in \/sbin, \/usr\/sbin, \/bin, \/usr\/bin/,
  })
})

test('a program that fails is told with its output', async t => {
  const root = rootWith(t, ['sbin/reboot'], 'echo "no init here" >&2; exit 1')
  await assert.rejects(callsOf(root, 'reboot'), { code: 'EXECUTION_FAILED', message: /exit code 1: no init here/ })
})
