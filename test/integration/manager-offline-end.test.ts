// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from '../helpers/eventually.ts'
import { agentScript } from '../helpers/program.ts'
import { tempDir } from '../helpers/temp-dir.ts'

test('a manager without a link: a SIGHUP during its start is done after it, and its end warns of nothing but what it holds', async t => {
  const folder = tempDir(t)
  const [program, script] = [process.execPath, agentScript()] as const
  const cloud = { host: '127.0.0.1', port: 1, transport: 'mqtts', token: 'none' }
  const connection = { cloud, file_transfer: { allow: [] }, queue: { durability: 'spill' } }
  writeFileSync(join(folder, 'iot-connect.cfg'), JSON.stringify(connection), { mode: 0o600 })
  writeFileSync(join(folder, 'iot.cfg'), JSON.stringify({ thing_friendly_name: 'pump 7' }))
  const child = spawn(program, [script, 'manager', '-c', folder], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env.PATH, NODE_NO_WARNINGS: '1' },
  })
  t.after(() => child.kill('SIGKILL'))
  let said = ''
  child.stderr.on('data', part => {
    // The first words come when the configuration has been read.
    if (said === '') child.kill('SIGHUP')
    said += part
  })
  await eventually(
    () => `reloaded: ${said}`,
    () => /device manager runs[\s\S]*configuration reloaded/.test(said),
  )
  const ended = once(child, 'close')
  child.kill('SIGTERM')
  assert.deepEqual(await ended, [0, null])
  const warnings = said.split('\n').filter(line => / (WARN|ERROR) /.test(line) && !/ link: /.test(line))
  assert.equal(warnings.filter(line => /closed|not accepted|not published/.test(line)).length, 0, warnings.join('\n'))
  assert.match(warnings.at(-1) ?? '', /ends with samples or answers that the cloud does not have/)
})
