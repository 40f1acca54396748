// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { isOfThisBoot, isProcessAlive, pidIn, processIdentity } from '../../../src/platform/process/process-identity.ts'
import { eventually } from '../../helpers/eventually.ts'

const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()

test('a process is known by its pid, its start and the boot, and no longer than it runs', async t => {
  const child = spawn('sleep', ['60'])
  t.after(() => child.kill('SIGKILL'))
  const pid = child.pid ?? 0
  const identity = await processIdentity(pid)
  assert.match(identity, new RegExp(`^${pid} \\d+ ${bootId}$`))
  assert.equal(pidIn(identity), pid)
  assert.equal(await isProcessAlive(identity), true)
  assert.equal(await isProcessAlive(identity.replace(/ \d+ /, ' 1 ')), false, 'another process that was given the pid')
  assert.equal(await isProcessAlive(identity.replace(bootId, 'other')), false, 'a process of another boot')
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.equal(await isProcessAlive(identity), false)
  assert.equal(await isProcessAlive(await processIdentity(pid)), false, 'looked at when it was gone')
})

test('a process that has ended, and whose parent has not asked how, does not live', async t => {
  // The shell starts a child, says its pid, and becomes a program that never waits for it.
  const parent = spawn('/bin/sh', ['-c', 'sleep 0.05 & echo $!; exec sleep 60'])
  t.after(() => parent.kill('SIGKILL'))
  const [line] = await once(createInterface(parent.stdout), 'line')
  const pid = Number(line)
  await eventually('the child is a zombie', async () => /^\d+ ended /.test(await processIdentity(pid)))
  assert.equal(await isProcessAlive(await processIdentity(pid)), false)
})

test('a text that is no identity names no process', async () => {
  for (const text of ['', 'x', '-1 2 3', `${'9'.repeat(11)} 1 x`, String(process.pid)]) {
    assert.equal(pidIn(text), 0, text)
    assert.equal(await isProcessAlive(text), false, text)
  }
})

test('an identity says of which boot it is', async () => {
  const identity = await processIdentity(process.pid)
  assert.equal(await isOfThisBoot(identity), true)
  assert.equal(await isOfThisBoot(identity.replace(bootId, 'other')), false)
})
