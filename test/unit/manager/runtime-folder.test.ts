// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { RuntimeFolder } from '../../../src/manager/runtime-folder.ts'
import { memoryLog } from '../../helpers/memory-log.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()

test('a manager that answers on its socket has the runtime folder, whatever its lock looks like from here', async t => {
  const path = join(tempDir(t), 'runtime')
  mkdirSync(path)
  // As an agent without a life sign leaves it for those who do not see its process: a container beside it.
  const { pid } = spawnSync('true')
  const lock = `${pid} 1 ${bootId}\n`
  writeFileSync(join(path, 'device-cloud.lock'), lock)
  const other = createServer()
  await new Promise<void>(resolve => other.listen(join(path, 'device-cloud.sock'), resolve))
  const folder = new RuntimeFolder({ path, log: memoryLog().log })
  await assert.rejects(folder.open(), {
    code: 'ALREADY_RUNNING',
    message: `Another device manager (process ${pid}) uses ${path}.`,
  })
  assert.equal(readFileSync(join(path, 'device-cloud.lock'), 'utf8'), lock)
  await new Promise(resolve => other.close(resolve))
  assert.equal(await folder.open(), true)
  await folder.close()
  assert.ok(!readdirSync(path).some(name => name.startsWith('device-cloud.lock')))
})
