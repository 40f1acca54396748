import { test } from 'node:test'
import { bundledAgent } from '../helpers/bundled-agent.ts'
import { asFirstProcess } from '../helpers/first-process.ts'

test('as process 1 device-cloud lets a shell wait for the orphans, and says so where that cannot be', async t => {
  await asFirstProcess(t, await bundledAgent(t), 'execve' in process)
})
