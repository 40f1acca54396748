// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { closeSync, existsSync, openSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from '../helpers/eventually.ts'
import { startCloud } from '../helpers/local-cloud.ts'
import { deviceToken, makeDevice, RunningCommand } from '../helpers/managed-device.ts'
import { smallDisk } from '../helpers/small-disk.ts'
import { tempDir } from '../helpers/temp-dir.ts'

test('starts that ended the old manager', async t => {
  const cloud = await startCloud(t, { token: deviceToken })

  await t.test(
    'without iot.cfg and from another folder it runs on the defaults, in the folder that -c names [M10]',
    async t => {
      const device = makeDevice(t, cloud)
      rmSync(device.path('iot.cfg'))
      const elsewhere = tempDir(t)
      const manager = new RunningCommand(['manager', '--app_id=device_manager_py', '-c', device.folder], elsewhere)
      t.after(() => manager.kill('SIGKILL'))
      await cloud.waitForThing(device.thingKey)
      assert.ok((await cloud.exec(device.thingKey, 'get_remote_access_info')).success)
      assert.ok(existsSync(device.path('runtime', 'upload')), 'the runtime folder is where the configuration is')
      assert.ok(!existsSync(`${elsewhere}/runtime`))
      manager.kill('SIGTERM')
      assert.deepEqual(await manager.ended, { code: 0, signal: null })
    },
  )

  await t.test('an iot.cfg of which only the braces are left is as good as none [M10]', async t => {
    const device = makeDevice(t, cloud)
    device.write('iot.cfg', {})
    const manager = await device.start()
    await cloud.waitForThing(device.thingKey)
    assert.ok((await cloud.exec(device.thingKey, 'ping')).success)
    manager.kill('SIGTERM')
    assert.equal((await manager.ended).code, 0)
  })

  await t.test('a rotten message_ids stops neither the start nor the answers that can be read in it [M9]', async t => {
    const device = makeDevice(t, cloud)
    device.write(
      'runtime/message_ids',
      'one word\n\n\u0000\ufffd\n5b0c5f0a8f4b2c0001a1b2c2,x\n5b0c5f0a8f4b2c0001a1b2c3,0\n',
    )
    const manager = await device.start()
    await cloud.heard({ thingKey: device.thingKey, command: 'mailbox.ack', contains: '5b0c5f0a8f4b2c0001a1b2c3' })
    assert.ok((await cloud.exec(device.thingKey, 'ping')).success)
    manager.kill('SIGTERM')
    assert.equal((await manager.ended).code, 0)
  })

  await t.test('a full disk behind standard error costs log lines while it is full, and not the device', async t => {
    const disk = smallDisk(t, 'full')
    if (disk === undefined) return
    const device = makeDevice(t, cloud)
    const log = join(disk.path, 'log')
    const stderr = openSync(log, 'a')
    t.after(() => closeSync(stderr))
    disk.break()
    const manager = new RunningCommand(['manager', '-i', 'device_manager_py'], device.folder, { stderr })
    t.after(() => manager.kill('SIGKILL'))
    await cloud.waitForThing(device.thingKey)
    assert.ok((await cloud.exec(device.thingKey, 'ping')).success)
    disk.heal()
    await cloud.fault('closeConnections', { thingKey: device.thingKey })
    await eventually('the log goes on', () => /connection lost/.test(readFileSync(log, 'utf8')))
    manager.kill('SIGTERM')
    assert.equal((await manager.ended).code, 0)
  })

  await t.test('a runtime folder that cannot be made costs the local socket, not the device [M10]', async t => {
    const device = makeDevice(t, cloud)
    device.write('in-the-way', 'a file')
    symlinkSync(device.path('in-the-way'), device.path('runtime'))
    const manager = await device.start()
    await cloud.waitForThing(device.thingKey)
    assert.ok((await cloud.exec(device.thingKey, 'ping')).success)
    await eventually('a word about it', () => /runtime/.test(manager.err))
    manager.kill('SIGTERM')
    assert.equal((await manager.ended).code, 0)
  })
})
