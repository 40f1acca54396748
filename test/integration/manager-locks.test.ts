// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startCloud } from '../helpers/local-cloud.ts'
import { lockHolder } from '../helpers/lock-holder.ts'
import { deviceToken, type ManagedDevice, makeDevice, RunningCommand } from '../helpers/managed-device.ts'

const words = ['manager', '-i', 'device_manager_py']
const script = 'test/integration/programs/manager-on-fat.ts'
const queueLock = (device: ManagedDevice) => device.path('queue', device.thingKey, 'lock')

function managerOnFat(t: TestContext, device: ManagedDevice): RunningCommand {
  const manager = new RunningCommand(words, device.folder, { script })
  t.after(() => manager.kill('SIGKILL'))
  return manager
}

test('on a file system without hard links and sockets one manager runs, and says what does not work there', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud)
  const first = managerOnFat(t, device)
  await first.says(/device manager runs/)
  await first.says(
    /local socket not opened.*holds no sockets, like FAT.*Give runtime_dir a folder on a file system of Linux/,
  )
  const second = managerOnFat(t, device)
  assert.deepEqual(await second.ended, { code: 1, signal: null })
  assert.match(second.err, new RegExp(`Another device manager \\(process ${first.child.pid}\\) uses .*runtime`))
  first.kill('SIGKILL')
  await first.ended
  const third = managerOnFat(t, device)
  await third.says(/device manager runs/)
  assert.match(readFileSync(queueLock(device), 'utf8'), new RegExp(`^${third.child.pid} `))
  assert.match(readFileSync(join(device.runtime, 'device-cloud.lock'), 'utf8'), new RegExp(`^${third.child.pid} `))
})

test('a second manager is refused before it comes near the queue of the first', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud)
  const first = await device.start()
  const before = readdirSync(device.path('queue', device.thingKey))
  const second = await device.run(...words)
  assert.equal(second.code, 1)
  assert.match(
    second.err,
    /Another device manager .*Stop the other manager, or give this one a runtime_dir of its own\./,
  )
  assert.doesNotMatch(second.err, /waiting for|queue/)
  assert.match(readFileSync(queueLock(device), 'utf8'), new RegExp(`^${first.child.pid} `))
  assert.deepEqual(readdirSync(device.path('queue', device.thingKey)), before)
  first.kill('SIGTERM')
  assert.deepEqual(await first.ended, { code: 0, signal: null })
  assert.ok(!existsSync(queueLock(device)))
})

test('a manager that waits for the queue of another process can be told to end, and leaves its folders free', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud)
  mkdirSync(device.path('queue', device.thingKey), { recursive: true, mode: 0o700 })
  const application = await lockHolder(t, queueLock(device))
  const manager = device.begin(...words)
  await manager.says(new RegExp(`waiting for the end of another process.* pid=${application.child.pid}`))
  manager.kill('SIGTERM')
  assert.deepEqual(await manager.ended, { code: 0, signal: null })
  assert.ok(!readdirSync(device.runtime).some(name => name.startsWith('device-cloud.lock')))

  const refused = await device.run(...words)
  assert.equal(refused.code, 1)
  assert.match(refused.err, new RegExp(`uses the queue .*Process ${application.child.pid} holds .*app id of its own`))
  assert.ok(!readdirSync(device.runtime).some(name => name.startsWith('device-cloud.lock')))
})
