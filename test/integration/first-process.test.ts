// SPDX-License-Identifier: Apache-2.0
import { test } from 'node:test'
import { asFirstProcess } from '../helpers/first-process.ts'
import { agentScript } from '../helpers/program.ts'

test('as process 1 device-cloud lets a shell wait for the orphans, and says so where that cannot be', async t => {
  await asFirstProcess(t, [process.execPath, agentScript()], 'execve' in process)
})
