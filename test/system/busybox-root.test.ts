// SPDX-License-Identifier: Apache-2.0
/** A device whose manager runs as a named user, and what root does for it between two runs of it. */
import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { publicKeyText } from '../../src/manager/ota/package/signature.ts'
import { acksOf } from '../helpers/acks.ts'
import { BusyboxDevice } from '../helpers/busybox-device.ts'
import { eventually } from '../helpers/eventually.ts'
import { executable } from '../helpers/executable.ts'
import { type LocalCloud, startCloud } from '../helpers/local-cloud.ts'
import { offerSigned } from '../helpers/update-packages.ts'

const thingKey = 'board-7-device_manager'
const rootConfig = '/etc/device-cloud-root.cfg'
/** A busy machine may take its time. */
const timeoutMs = 60_000

class Scene {
  readonly device: BusyboxDevice
  readonly cloud: LocalCloud
  readonly key: KeyObject

  constructor(device: BusyboxDevice, cloud: LocalCloud, key: KeyObject) {
    this.device = device
    this.cloud = cloud
    this.key = key
  }

  /** Boots, and waits for the manager's login. */
  async boot(t: TestContext): Promise<void> {
    const since = await this.cloud.mark()
    await this.device.boot(t)
    await this.login(since)
  }

  async login(since: number): Promise<void> {
    await this.cloud.heard({ since, kind: 'event', topic: 'login', thingKey }, undefined, { timeoutMs })
  }

  /** Asks for an action without waiting for its answer. */
  async order(method: string, params: object = {}): Promise<string> {
    const { id } = await this.cloud.ask('method.exec', { thingKey, method, params, ackTimeout: 0, ttl: -1 })
    return id
  }

  /** The one answer to a call; fails when there is another one. */
  async answer(id: string): Promise<{ readonly status: number; readonly message: string }> {
    const acks = await eventually(
      'the answer',
      async () => {
        const found = await acksOf(this.cloud, thingKey, id)
        return found.length > 0 ? found : undefined
      },
      timeoutMs,
    )
    for (const ack of acks) assert.deepEqual(ack, acks[0])
    return { status: acks[0]?.errorCode ?? -1, message: acks[0]?.errorMessage ?? '' }
  }

  offer(t: TestContext, name: string, manifest: object, keys: readonly KeyObject[] = [this.key]): Promise<void> {
    return offerSigned(t, this.cloud, { name, manifest, keys })
  }

  lines(path: string): string[] {
    const place = join(this.device.root, path)
    return existsSync(place) ? readFileSync(place, 'utf8').trim().split('\n') : []
  }

  async untilLines(path: string, count: number): Promise<string[]> {
    await eventually(path, () => this.lines(path).length >= count, timeoutMs)
    return this.lines(path)
  }
}

async function scene(t: TestContext, ...flags: string[]): Promise<Scene | undefined> {
  const device = BusyboxDevice.make(t, await executable(t))
  if (device === undefined) return undefined
  const cloud = await startCloud(t)
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const { host, mqtts, https, token } = cloud
  const settings = {
    cloud: { host, port: mqtts, token, transport: 'mqtts', file_xfer_host: host, file_xfer_port: https },
    ca_bundle_file: 'ca.pem',
    ota: { public_keys: [publicKeyText(publicKey)] },
  }
  device.write('/etc/device-cloud/device_id', 'board-7\n')
  device.write('/etc/device-cloud/iot-connect.cfg', JSON.stringify(settings), 0o600)
  device.write('/etc/device-cloud/ca.pem', readFileSync(cloud.ca, 'utf8'))
  // It tells that it ran, and leaves it to the test to let the machine go down.
  device.sh('rm /sbin/reboot')
  device.write('/sbin/reboot', '#!/bin/sh\necho $(id -u) >>/var/reboots\n', 0o755)
  const answer = device.run('/usr/bin/device-cloud', 'service', 'install', '--user', 'cloud', ...flags)
  assert.equal(answer.code, 0, answer.text)
  return new Scene(device, cloud, privateKey)
}

test('a manager that is not root has root reboot the machine, once', async t => {
  const s = await scene(t)
  if (s === undefined) return
  const { device } = s
  await s.boot(t)

  await t.test('it runs as its user, held tight, and its supervisor is root', () => {
    const pid = device.run('pidof', 'device-cloud').text.trim()
    const status = device.run('cat', `/proc/${pid}/status`).text
    assert.match(status, /^Uid:\t1234\t1234\t1234\t1234$/m)
    assert.match(status, /^Gid:\t1234\t1234\t1234\t1234$/m)
    assert.match(status, /^NoNewPrivs:\t1$/m)
    assert.match(status, /^Umask:\t0027$/m)
    assert.match(device.run('cat', `/proc/${pid}/limits`).text, /^Max core file size +0 +0 /m)
    const supervisor = device.run('cat', '/var/run/device-cloud.pid').text.trim()
    assert.match(device.run('cat', `/proc/${supervisor}/status`).text, /^Uid:\t0\t/m)
    assert.match(device.sh('ls -ld /var/run/device-cloud').text, /^drwxr-xr-x .* root /)
  })

  await t.test('the reboot is ordered once, and the call has its one answer', async () => {
    const id = await s.order('reboot_device')
    assert.deepEqual(await s.untilLines('/var/reboots', 1), ['0'])
    // The next manager waits for the machine to go down, instead of taking the call for a failed one.
    await eventually('the next manager', () => device.run('pidof', 'device-cloud').code === 0, timeoutMs)
    await device.powerCut()
    await s.boot(t)
    assert.deepEqual(await s.answer(id), { status: 0, message: '' })
    assert.deepEqual(s.lines('/var/reboots'), ['0'])
    for (const name of ['root-request.json', 'root-asked.json'])
      await eventually(name, () => !existsSync(join(device.root, 'var/lib/device-cloud', name)))
  })

  await t.test('a request that the manager’s user forges does no more than a reboot', async () => {
    const forged = '{"version":1,"id":"x","step":"reboot","boot_id":"b","command":"id >/tmp/forged"}'
    device.write('/var/lib/device-cloud/root-request.json', forged)
    device.sh('chown cloud /var/lib/device-cloud/root-request.json')
    const since = await s.cloud.mark()
    device.sh('kill -9 $(pidof device-cloud)')
    await s.login(since)
    assert.equal(existsSync(join(device.root, 'var/lib/device-cloud/root-request.json')), false)
    assert.deepEqual([s.lines('/var/reboots'), s.lines('/tmp/forged')], [['0'], []])
  })

  await t.test('uninstalling takes the file for root away', () => {
    assert.ok(existsSync(join(device.root, rootConfig)))
    const answer = device.run('/usr/bin/device-cloud', 'service', 'uninstall')
    assert.equal(answer.code, 0, answer.text)
    assert.equal(existsSync(join(device.root, rootConfig)), false)
  })
})

test('a manager that is not root has root install what is signed, and nothing else', async t => {
  const s = await scene(t)
  if (s === undefined) return
  const { device } = s
  const effect = (word: string) => `echo ${word} $(id -u) >>/var/effect`
  await s.offer(t, 'good.tar.gz', { install: `${effect('good')}; echo said by good`, error_action: effect('undo') })
  await s.offer(t, 'unsigned.tar.gz', { install: effect('unsigned'), error_action: effect('undo') }, [])
  const waits = 'echo $PPID >/tmp/group; until [ -e /tmp/go ]; do sleep 0.1; done'
  await s.offer(t, 'long.tar.gz', { install: `${effect('long')}; ${waits}`, error_action: effect('undo') })
  await s.boot(t)

  await t.test('a signed package is installed as root, answered once, and its log sent', async () => {
    const since = await s.cloud.mark()
    const id = await s.order('software_update', { package: 'good.tar.gz', ota_logfile: 'good.log' })
    assert.deepEqual(await s.answer(id), { status: 0, message: '' })
    assert.deepEqual(s.lines('/var/effect'), ['good 0'])
    await s.cloud.heard({ since, contains: 'good.log' }, undefined, { timeoutMs })
    assert.equal(device.sh('ls /var/lib/device-cloud/download').text, '')
  })

  await t.test('an unsigned one is refused by the policy', async () => {
    const { status, message } = await s.answer(await s.order('software_update', { package: 'unsigned.tar.gz' }))
    assert.equal(status, 10)
    assert.match(message, /not signed/)
    assert.deepEqual(s.lines('/var/effect'), ['good 0'])
  })

  await t.test('extra_params are refused before anything is fetched, and the setting is named', async () => {
    const { status, message } = await s.answer(
      await s.order('software_update', { package: 'good.tar.gz', extra_params: 'x' }),
    )
    assert.equal(status, 10)
    assert.match(message, /"extra_params" in \/etc\/device-cloud-root\.cfg/)
  })

  await t.test('a power cut in its script: it is undone by root, and told once', async () => {
    const id = await s.order('software_update', { package: 'long.tar.gz' })
    assert.deepEqual(await s.untilLines('/var/effect', 2), ['good 0', 'long 0'])
    await device.powerCut()
    await s.boot(t)
    const { status, message } = await s.answer(id)
    assert.equal(status, 19)
    assert.match(message, /the machine restarted while the script ran.*not run again/)
    assert.deepEqual(s.lines('/var/effect'), ['good 0', 'long 0', 'undo 0'])
  })

  await t.test('a crash of everything but the script: it is waited for, and not run again', async () => {
    const id = await s.order('software_update', { package: 'long.tar.gz' })
    await s.untilLines('/var/effect', 4)
    device.sh('kill -9 $(cat /var/run/device-cloud.pid) $(pidof device-cloud)')
    device.sh('/etc/init.d/device-cloud start')
    device.write('/tmp/go', '')
    assert.deepEqual(await s.answer(id), { status: 0, message: '' })
    assert.deepEqual(s.lines('/var/effect'), ['good 0', 'long 0', 'undo 0', 'long 0'])
  })

  await t.test('the results are root’s, and the folder of its packages is closed', () => {
    const folder = join(device.root, 'var/lib/device-cloud-root/results')
    assert.ok(readdirSync(folder).length > 0)
    const answer = device.run(
      'setpriv',
      '--no-new-privs',
      'su',
      '-s',
      '/bin/sh',
      'cloud',
      '-c',
      [
        'cd /var/lib/device-cloud-root; ls results >/dev/null && echo reads',
        'for f in results results/*; do [ ! -w $f ] || echo writes $f; done; ls install',
      ].join('; '),
    )
    assert.match(answer.text, /^reads\nls: .*install.*: Permission denied$/m)
    assert.doesNotMatch(answer.text, /writes/)
  })
})

test('what root is not to do is refused, and the setting is named', async t => {
  const s = await scene(t, '--root-steps', 'none')
  if (s === undefined) return
  await s.boot(t)
  const reboot = await s.answer(await s.order('reboot_device'))
  assert.equal(reboot.status, 18)
  assert.match(reboot.message, /"steps" in \/etc\/device-cloud-root\.cfg does not name reboot/)
  // Then an update is what it was: the manager's own user runs it.
  await s.offer(t, 'own.tar.gz', { install: 'echo own $(id -u) >>/tmp/effect', error_action: 'true' })
  s.device.sh('chmod 1777 /tmp')
  assert.equal((await s.answer(await s.order('software_update', { package: 'own.tar.gz' }))).status, 0)
  assert.deepEqual(s.lines('/tmp/effect'), ['own 1234'])
  assert.deepEqual(s.lines('/var/reboots'), [])
})
