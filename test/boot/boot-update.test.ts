// SPDX-License-Identifier: Apache-2.0
/** Software updates of a whole device: a reboot that belongs to one, and a power cut in the middle of one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Ack, acksOf, openCalls } from '../helpers/acks.ts'
import { eventually } from '../helpers/eventually.ts'
import { offerPackages } from '../helpers/update-packages.ts'
import { bootScene, login, timeoutMs } from './scene.ts'

const state = '/var/lib/device-cloud'
const key = 'updated-device_manager'

const packages = [
  {
    name: 'reboots.tar.gz',
    manifest: {
      install: `echo 2 >${state}/version`,
      reboot: 'yes',
      // In the kernel that is up after the reboot, and in no other.
      pre_install: `cat /proc/sys/kernel/random/boot_id >${state}/old-boot`,
      health_check: {
        timeout: 100,
        command: `[ "$(cat ${state}/version)" = 2 ] && ! cmp -s ${state}/old-boot /proc/sys/kernel/random/boot_id`,
      },
    },
  },
  {
    name: 'cut-off.tar.gz',
    manifest: { install: `echo begun >${state}/begun; sync; sleep 600`, error_action: `echo undone >${state}/undone` },
  },
]

test('updates of an emulated device', async t => {
  const scene = await bootScene(t, 'x64')
  if (scene === undefined) return
  const { cloud } = scene
  await offerPackages(t, cloud, packages)
  const disk = await scene.newDisk(t, 'updated')
  const machine = scene.switchOnWith(t, disk, 256)
  await login(cloud, key)

  const order = async (name: string): Promise<string> => {
    const call = { thingKey: key, method: 'software_update', params: { package: name }, ackTimeout: 0, ttl: -1 }
    return (await cloud.ask('method.exec', call)).id
  }
  /** The one answer to an update. */
  const answer = async (id: string): Promise<Ack> => {
    await eventually('the end of the update', async () => (await openCalls(cloud, key)) === 0, timeoutMs)
    const acks = await acksOf(cloud, key, id)
    assert.equal(acks.length, 1, JSON.stringify(acks))
    return acks[0] ?? { id: '', errorCode: -1 }
  }

  await t.test('one that reboots is answered after the reboot, when its health is good', async () => {
    const id = await order('reboots.tar.gz')
    await machine.until(/boot: services were started/g, { times: 2, timeoutMs })
    assert.deepEqual(await answer(id), { id, errorCode: 0, errorMessage: '' })
    assert.equal(await machine.run(`cat ${state}/version`), '2')
    assert.equal([...machine.said.matchAll(/boot: services were started/g)].length, 2)
  })

  await t.test('one that a power cut ends is undone after it, and answered as failed', async t => {
    const id = await order('cut-off.tar.gz')
    await machine.run(`until [ -e ${state}/begun ]; do sleep 0.2; done`, timeoutMs)
    await machine.pullPlug()
    const again = scene.switchOnWith(t, disk, 256)
    const { errorCode, errorMessage = '' } = await answer(id)
    assert.notEqual(errorCode, 0)
    assert.match(errorMessage, /^install failed: the machine restarted while the script ran/)
    assert.equal(await again.run(`cat ${state}/undone`), 'undone')
    assert.ok((await cloud.exec(key, 'ping', {}, { ackTimeout: 60 })).success)
  })
})
