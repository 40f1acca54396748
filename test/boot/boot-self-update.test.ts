// SPDX-License-Identifier: Apache-2.0
/** A whole device replaces its agent: armv7, where a process cannot take the place of another by itself, and BusyBox. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { acksOf, openCalls } from '../helpers/acks.ts'
import { eventually } from '../helpers/eventually.ts'
import { offerPackages } from '../helpers/update-packages.ts'
import { agentOnDisk } from './image.ts'
import { bootScene, login, timeoutMs } from './scene.ts'

const key = 'replaced-device_manager'
const record = '/var/lib/device-cloud/ota/trial.json'
/** Everything is unpacked twice, by an emulated processor. */
const slowMs = 240_000

test('an emulated armv7 device replaces its agent, with a power cut while the new one is on trial', async t => {
  const scene = await bootScene(t, 'armv7', { isReplaceable: true })
  if (scene === undefined) return
  const { cloud } = scene
  const files = [{ name: 'device-cloud', content: readFileSync(scene.agent) }]
  const health_check = { timeout: 120, command: 'sleep 5' }
  await offerPackages(t, cloud, [
    { name: 'agent.tar.gz', manifest: { install: 'true', agent: 'device-cloud', health_check }, files },
  ])
  const disk = await scene.newDisk(t, 'replaced')
  const machine = scene.switchOnWith(t, disk, 256)
  await login(cloud, key)
  const inode = async (on: typeof machine) => (await on.run(`ls -i ${agentOnDisk}`)).split(' ')[0]
  const old = await inode(machine)
  const call = { thingKey: key, method: 'software_update', params: { package: 'agent.tar.gz' }, ackTimeout: 0, ttl: -1 }
  const { id } = await cloud.ask('method.exec', call)

  await machine.run(`until grep -q mark ${record} 2>/dev/null; do sleep 1; done`, slowMs)
  assert.equal(await inode(machine), old, 'on trial the old one is in place')
  await machine.pullPlug()

  const again = scene.switchOnWith(t, disk, 256)
  await eventually('the end of the update', async () => (await openCalls(cloud, key)) === 0, slowMs)
  assert.deepEqual(await acksOf(cloud, key, id), [{ id, errorCode: 0, errorMessage: '' }])
  assert.notEqual(await inode(again), old)
  assert.equal(await again.run(`ls ${agentOnDisk}*`), agentOnDisk)
  assert.ok((await cloud.exec(key, 'ping', {}, { ackTimeout: 60 })).success)
  const exe = `readlink /proc/$(pidof device-cloud | cut -d ' ' -f 1)/exe`
  await eventually('the new one alone', async () => (await again.run(exe)) === agentOnDisk, timeoutMs)
})
