// SPDX-License-Identifier: Apache-2.0
/** A device whose process 1 is systemd, from its boot to its end. */
import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { publicKeyText } from '../../src/manager/ota/package/signature.ts'
import { eventually } from '../helpers/eventually.ts'
import type { LocalCloud } from '../helpers/local-cloud.ts'
import { offerPackages, offerSigned } from '../helpers/update-packages.ts'
import type { EmulatedMachine } from './machine.ts'
import { putNamed } from './named-manager.ts'
import { bootScene, login, timeoutMs } from './scene.ts'
import { systemdUserland } from './systemd-userland.ts'

const key = 'sysd-device_manager'
const namedKey = 'named-device_manager'

test('under systemd the service starts at boot, is watched, reloaded, updated, stopped, and switches the machine off', async t => {
  const scene = await bootScene(t, 'x64', { userland: systemdUserland })
  if (scene === undefined) return
  const { cloud } = scene
  const machine = await scene.switchOn(t, 'sysd', 256)
  let { seq } = await login(cloud, key)
  const again = async () => {
    seq = (await login(cloud, key, seq)).seq
  }

  await t.test('it is active, and says what it does', async () => {
    await eventually('active', async () => (await show(machine, 'ActiveState'))[0] === 'active', timeoutMs)
    const shown = await show(machine, 'Type', 'SubState', 'WatchdogUSec', 'NRestarts')
    assert.deepEqual(shown, ['notify', 'running', '5min', '0'])
    await eventually(
      'the status',
      async () => /^connected to localhost:\d+ as sysd-/.test(await status(machine)),
      timeoutMs,
    )
  })

  await t.test('a reload is over when the configuration is read', async () => {
    const pid = await mainPid(machine)
    await machine.run('echo \'{"publish_attribute":{"colour":"red"}}\' >/etc/device-cloud/attributes.cfg')
    await machine.run('systemctl reload device-cloud')
    await cloud.heard({ since: seq, direction: 'in', contains: 'colour' }, undefined, { timeoutMs })
    await eventually('running', async () => (await show(machine, 'SubState'))[0] === 'running', timeoutMs)
    assert.equal(await mainPid(machine), pid)
  })

  await t.test('what is killed is started again', async () => {
    await machine.run(`kill -9 ${await mainPid(machine)}`)
    await again()
    assert.deepEqual(await show(machine, 'NRestarts'), ['1'])
  })

  await t.test('what hangs is ended by the watchdog and started again', () => hang(machine, again))

  await t.test('a script of an update lives on when it restarts the service, and gets nothing of systemd', t =>
    update(t, machine, scene.cloud),
  )

  await t.test('a named user is heard by systemd too, and held tight', async t => {
    const keys = generateKeyPairSync('ed25519')
    await namedUser(machine, publicKeyText(keys.publicKey))
    await cloud.waitForThing(namedKey, { timeoutMs })
    await t.test('root installs for it, also what restarts the service in the middle', t =>
      installByRoot(t, machine, cloud, keys.privateKey),
    )
    await t.test('root reboots the machine for it', async () => {
      const before = await machine.run('cat /proc/sys/kernel/random/boot_id')
      // It may have logged in again meanwhile, and that is no login after the reboot.
      seq = await cloud.mark()
      const reboot = await cloud.exec(namedKey, 'reboot_device', {}, { ackTimeout: 60 })
      assert.ok(reboot.success, reboot.errorMessages?.[0])
      await again()
      await eventually(
        'the operator of the new run',
        async () => {
          // What is typed while no process reads is lost.
          const now = await machine.run('cat /proc/sys/kernel/random/boot_id', 10_000).catch(() => before)
          return now !== before
        },
        timeoutMs,
      )
      // What is told to stop while it starts is ended by the signal, and that is not what comes next.
      await eventually(
        'the service of the new run',
        async () => (await show(machine, 'ActiveState'))[0] === 'active',
        timeoutMs,
      )
    })
  })

  await t.test('it stops in good order', async () => {
    await machine.run('systemctl stop device-cloud')
    assert.deepEqual(await show(machine, 'ActiveState', 'Result', 'ExecMainStatus'), ['inactive', 'success', '0'])
    await cloud.waitForThing(key, { connected: false })
    await machine.run('systemctl start device-cloud')
    await again()
  })

  await t.test('the cloud switches the machine off', async () => {
    const shutdown = await cloud.exec(key, 'shutdown_device', {}, { ackTimeout: 60 })
    assert.ok(shutdown.success, shutdown.errorMessages?.[0])
    assert.equal(await machine.ended, 0)
  })
})

/** With a watchdog of seconds, so that the test need not wait for minutes. */
async function hang(machine: EmulatedMachine, again: () => Promise<void>): Promise<void> {
  const folder = '/run/systemd/system/device-cloud.service.d'
  await machine.run(`mkdir -p ${folder} && printf '[Service]\\nWatchdogSec=10\\n' >${folder}/soon.conf`)
  await machine.run('systemctl daemon-reload && systemctl restart device-cloud')
  await again()
  const lastSign = async () => (await show(machine, 'WatchdogTimestampMonotonic'))[0]
  const first = await lastSign()
  await eventually('a sign of life', async () => (await lastSign()) !== first, timeoutMs)
  const pid = await mainPid(machine)
  await machine.run(`kill -STOP ${pid}`)
  await again()
  assert.notEqual(await mainPid(machine), pid)
  assert.match(
    await machine.run('journalctl -u device-cloud --no-pager'),
    /Watchdog timeout[\s\S]*Failed with result 'watchdog'/,
  )
  await machine.run(`rm ${folder}/soon.conf && systemctl daemon-reload && systemctl restart device-cloud`)
  await again()
}

async function update(
  t: TestContext,
  machine: EmulatedMachine,
  cloud: Parameters<typeof offerPackages>[1],
): Promise<void> {
  const script =
    'env >/run/update-environment; systemctl restart device-cloud && dmesg >/dev/null && echo lived on >/run/lived-on'
  await offerPackages(t, cloud, [{ name: 'restart.tar.gz', manifest: { install: script, error_action: 'true' } }])
  const pid = await mainPid(machine)
  const reply = await cloud.exec(key, 'software_update', { package: 'restart.tar.gz' }, { ackTimeout: 120 })
  assert.ok(reply.success, reply.errorMessages?.[0])
  assert.notEqual(await mainPid(machine), pid)
  assert.equal(await machine.run('cat /run/lived-on'), 'lived on')
  assert.doesNotMatch(await machine.run('cat /run/update-environment'), /NOTIFY_SOCKET|WATCHDOG/)
}

/** The command returns when the manager has said that it is ready. */
async function namedUser(machine: EmulatedMachine, publicKey: string): Promise<void> {
  await putNamed(machine, publicKey)
  await machine.run('systemctl start named')
  assert.deepEqual(await show(machine, 'ActiveState', 'SubState', 'User', { unit: 'named' }), [
    'active',
    'running',
    'cloud',
  ])
}

/** The script waits for a start that waits for the step in which it runs: that start must not wait for ever. */
async function installByRoot(
  t: TestContext,
  machine: EmulatedMachine,
  cloud: LocalCloud,
  privateKey: KeyObject,
): Promise<void> {
  const install =
    'id -u >/run/by-root && umask >>/run/by-root && systemctl restart named && echo lived on >>/run/by-root'
  const manifest = { install, error_action: 'true' }
  await offerSigned(t, cloud, { name: 'signed.tar.gz', manifest, keys: [privateKey] })
  const reply = await cloud.exec(namedKey, 'software_update', { package: 'signed.tar.gz' }, { ackTimeout: 300 })
  assert.ok(reply.success, reply.errorMessages?.[0])
  assert.deepEqual((await machine.run('cat /run/by-root')).split('\n'), ['0', '0022', 'lived on'])
  assert.deepEqual(await show(machine, 'ActiveState', 'User', { unit: 'named' }), ['active', 'cloud'])
}

type ShowOptions = { readonly unit: string }

async function show(machine: EmulatedMachine, ...words: (string | ShowOptions)[]): Promise<string[]> {
  const names = words.filter(word => typeof word === 'string')
  const unit = words.find(word => typeof word !== 'string')?.unit ?? 'device-cloud'
  const lines = await machine.run(`systemctl show ${unit} ${names.map(name => `-p ${name}`).join(' ')}`)
  return names.map(name => new RegExp(`^${name}=(.*)$`, 'm').exec(lines)?.[1] ?? '')
}

async function status(machine: EmulatedMachine): Promise<string> {
  return (await show(machine, 'StatusText'))[0] ?? ''
}

async function mainPid(machine: EmulatedMachine): Promise<string> {
  return (await show(machine, 'MainPID'))[0] ?? ''
}
