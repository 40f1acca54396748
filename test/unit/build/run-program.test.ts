// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BuildError } from '../../../build/build-error.ts'
import { runProgram } from '../../../build/run-program.ts'

test('a program that is not there fails at once, and nothing of it keeps the process', async () => {
  const timers = () => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
  const before = timers()
  await assert.rejects(runProgram('/nowhere/git', ['log']), /"\/nowhere\/git log" cannot be started/)
  assert.equal(timers(), before)
})

test('a program that takes too long is ended and named', async () => {
  const forever = ['-e', 'setInterval(() => {}, 1000)']
  await assert.rejects(
    runProgram(process.execPath, forever, { timeoutMs: 300 }),
    (error: unknown) => error instanceof BuildError && /was ended by SIGTERM/.test(error.message),
  )
})
