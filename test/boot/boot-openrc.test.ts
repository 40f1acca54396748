// SPDX-License-Identifier: Apache-2.0
/** A device with OpenRC, from its boot to its end. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { publicKeyText } from '../../src/manager/ota/package/signature.ts'
import { offerSigned } from '../helpers/update-packages.ts'
import { putNamed } from './named-manager.ts'
import { openrcUserland } from './openrc-userland.ts'
import { bootScene, login, timeoutMs } from './scene.ts'

const key = 'orc-device_manager'
const namedKey = 'named-device_manager'

test('under OpenRC the service starts at boot, is respawned, reloaded, restarted, stopped, and switches the machine off', async t => {
  const scene = await bootScene(t, 'x64', { userland: openrcUserland })
  if (scene === undefined) return
  const { cloud } = scene
  const machine = await scene.switchOn(t, 'orc', 256)
  let { seq } = await login(cloud, key)
  const again = async () => {
    seq = (await login(cloud, key, seq)).seq
  }
  const status = () => machine.run('rc-service device-cloud status; true')
  const managers = async () => (await machine.run('pidof device-cloud; true')).split(' ').filter(word => word !== '')

  await t.test('it is started, and its state folder is there', async () => {
    assert.match(await status(), /status: started/)
    assert.match(await machine.run('rc-status default'), /device-cloud\s.*started/)
    assert.equal((await managers()).length, 1)
  })

  await t.test('what is killed is started again, with its environment', async () => {
    await machine.run(`kill -9 ${(await managers())[0]}`)
    await again()
    const environment = await machine.run(`tr '\\0' '\\n' </proc/${(await managers())[0]}/environ`)
    for (const line of [
      /^DEVICE_CLOUD_SUPERVISED=1$/m,
      /^MALLOC_ARENA_MAX=1$/m,
      /^DEVICE_CLOUD_QUEUE_DIRECTORY=\/var\/lib/m,
    ])
      assert.match(environment, line)
  })

  await t.test('a reload reaches the manager, which stays the same process', async () => {
    const before = await managers()
    await machine.run('echo \'{"publish_attribute":{"colour":"red"}}\' >/etc/device-cloud/attributes.cfg')
    await machine.run('rc-service device-cloud reload')
    await cloud.heard({ since: seq, direction: 'in', contains: 'colour' }, undefined, { timeoutMs })
    assert.deepEqual(await managers(), before)
  })

  await t.test('a restart leaves one manager, another one', async () => {
    const before = await managers()
    await machine.run('rc-service device-cloud restart')
    await again()
    const after = await managers()
    assert.equal(after.length, 1)
    assert.notDeepEqual(after, before)
  })

  await t.test('it stops in good order, and starts again', async () => {
    await machine.run('rc-service device-cloud stop')
    assert.deepEqual(await managers(), [])
    assert.match(await status(), /status: stopped/)
    await cloud.waitForThing(key, { connected: false })
    await machine.run('rc-service device-cloud start')
    await again()
  })

  await t.test('the manager of a named user is watched by a shell of root, which installs for it', async t => {
    const keys = generateKeyPairSync('ed25519')
    await putNamed(machine, publicKeyText(keys.publicKey))
    const manifest = { install: 'echo $(id -u) $(umask) >/run/by-root', error_action: 'true' }
    await offerSigned(t, cloud, { name: 'signed.tar.gz', manifest, keys: [keys.privateKey] })
    await machine.run('rc-service named start')
    await cloud.waitForThing(namedKey, { timeoutMs })
    const uids = await machine.run('for p in $(pidof device-cloud); do grep Uid: /proc/$p/status; done')
    assert.match(uids, /^Uid:\t1234\t1234\t1234\t1234$/m)
    const reply = await cloud.exec(namedKey, 'software_update', { package: 'signed.tar.gz' }, { ackTimeout: 120 })
    assert.ok(reply.success, reply.errorMessages?.[0])
    assert.equal(await machine.run('cat /run/by-root'), '0 0022')
    await machine.run('rc-service named stop')
    assert.equal((await managers()).length, 1)
  })

  await t.test('the cloud switches the machine off', async () => {
    const shutdown = await cloud.exec(key, 'shutdown_device', {}, { ackTimeout: 60 })
    assert.ok(shutdown.success, shutdown.errorMessages?.[0])
    assert.equal(await machine.ended, 0)
  })
})
