// SPDX-License-Identifier: Apache-2.0
/** What another user of the machine could have written, against an agent that runs as root. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parseManifest } from '../../src/manager/ota/package/manifest.ts'
import { needsRoot, stranger } from '../helpers/as-root.ts'
import { eventually } from '../helpers/eventually.ts'
import { type LocalCloud, startCloud } from '../helpers/local-cloud.ts'
import { deviceToken, ManagedDevice, makeDevice } from '../helpers/managed-device.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { leaveUpdate } from '../helpers/update-journals.ts'
import { offerPackages, writePackage } from '../helpers/update-packages.ts'

/** Runs a shell command as a user who owns nothing of the agent's. */
function asStranger(command: string, cwd: string): void {
  const { status, stderr } = spawnSync('/bin/sh', ['-c', command], {
    cwd,
    uid: stranger,
    gid: stranger,
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
}

/**
 * Lets a stranger write into the runtime folder what he got ready somewhere else: the journal of an update in the middle, whose
 * next script leaves a proof that it ran. Returns the path of that.
 */
async function plantUpdate(t: TestContext, device: ManagedDevice): Promise<string> {
  const proof = join(tempDir(t), 'proof')
  const workshop = tempDir(t)
  const { manifest } = parseManifest(JSON.stringify({ install: `id -u >${proof}` }))
  await leaveUpdate(workshop, { step: 'install', changed: true, manifest })
  mkdirSync(join(workshop, 'otapackage'))
  execFileSync('chown', ['-R', `${stranger}:${stranger}`, workshop])
  chmodSync(workshop, 0o755)
  mkdirSync(device.runtime, { recursive: true })
  chownSync(device.runtime, stranger, stranger)
  // To get there he must be let through, as /home/pi lets everybody through.
  chmodSync(device.folder, 0o755)
  asStranger(`cp -r ${workshop}/ota ${workshop}/otapackage .`, device.runtime)
  return proof
}

/** The commands that a refusal names. */
const remedyIn = (text: string) => /\brun: (.*)$/.exec(text)?.[1] ?? 'false'

const saidBy = async (cloud: LocalCloud, thingKey: string, text: RegExp) =>
  cloud.heard({ thingKey, direction: 'in' }, ({ payload }) => text.test(JSON.stringify(payload)))

test('ota install by root does not run what another user wrote into the runtime folder', needsRoot, async t => {
  const device = new ManagedDevice(tempDir(t), 'lonely')
  t.after(() => device.stop())
  const proof = await plantUpdate(t, device)
  const own = join(device.folder, 'own-ran')
  writePackage(device.folder, 'own.zip', { install: `touch ${own}` })

  const refused = await device.run('ota', 'install', '--unsigned', 'own.zip')
  assert.equal(refused.code, 6, refused.err)
  assert.match(refused.err, new RegExp(`${device.runtime}: belongs to uid ${stranger}`))
  assert.match(refused.err, new RegExp(`chown root: ${device.runtime} && rm -rf ${device.runtime}/ota`))
  assert.ok(!existsSync(proof), 'the script of the stranger did not run')
  assert.ok(!existsSync(own), 'nor did the package')
  assert.deepEqual(readdirSync(device.runtime).sort(), ['ota', 'otapackage'], 'and nothing was touched')

  // The folder alone made sound: what lies in it is still the stranger's.
  chownSync(device.runtime, 0, 0)
  const again = await device.run('ota', 'install', '--unsigned', 'own.zip')
  assert.equal(again.code, 6, again.err)
  assert.match(again.err, /\/ota: belongs to uid 4711/)
  chownSync(join(device.runtime, 'ota'), 0, 0)
  chownSync(join(device.runtime, 'otapackage'), 0, 0)
  const third = await device.run('ota', 'install', '--unsigned', 'own.zip')
  assert.equal(third.code, 6, third.err)
  assert.match(third.err, /update\.journal: belongs to uid 4711/)
  assert.ok(!existsSync(proof))

  execFileSync('rm', ['-rf', join(device.runtime, 'ota'), join(device.runtime, 'otapackage')])
  const installed = await device.run('ota', 'install', '--unsigned', 'own.zip')
  assert.equal(installed.code, 0, installed.err)
  assert.ok(existsSync(own))
})

test(
  'ota install believes neither settings nor folders that others can change, and those below /tmp that they cannot',
  needsRoot,
  async t => {
    const device = new ManagedDevice(tempDir(t), 'lonely')
    t.after(() => device.stop())
    const own = join(device.folder, 'own-ran')
    writePackage(device.folder, 'own.zip', { install: `touch ${own}` })
    const config = device.write('iot-connect.cfg', { ota: { require_signature: false } })
    const rows: readonly [string, () => void, () => void, RegExp][] = [
      [
        'the connection file',
        () => chownSync(config, stranger, 0),
        () => chownSync(config, 0, 0),
        /chown root: \S*connect\.cfg/,
      ],
      ['one for all', () => chmodSync(config, 0o666), () => chmodSync(config, 0o600), /chmod go-w \S*connect\.cfg/],
      ['its folder', () => chmodSync(device.folder, 0o777), () => chmodSync(device.folder, 0o755), /chmod go-w \S+/],
    ]
    for (const [what, spoil, mend, remedy] of rows) {
      spoil()
      const refused = await device.run('ota', 'install', '--unsigned', 'own.zip')
      assert.equal(refused.code, 6, `${what}: ${refused.err}`)
      assert.match(refused.err, remedy)
      mend()
    }
    assert.ok(!existsSync(own))
    assert.equal((await device.run('ota', 'install', '--unsigned', 'own.zip')).code, 0)
  },
)

test(
  'a manager of root leaves the planted update alone, keeps its link, and updates again when the folder is sound',
  needsRoot,
  async t => {
    const cloud = await startCloud(t, { token: deviceToken })
    await offerPackages(t, cloud, [{ name: 'p.zip', manifest: { install: 'touch ../../updated' } }])
    const device = makeDevice(t, cloud)
    const proof = await plantUpdate(t, device)
    const manager = await device.start()
    const key = device.thingKey
    await cloud.waitForThing(key)
    assert.match(manager.err, /ota is closed: belongs to uid 4711/)
    assert.match(manager.err, /chown root: .*rm -rf /)
    await saidBy(cloud, key, /ota: .*runtime.*chown root: /)

    const reply = await cloud.exec(key, 'software_update', { package: 'p.zip' })
    assert.deepEqual(reply.errorCodes, [18])
    assert.match(reply.errorMessages?.[0] ?? '', /chown root: /)
    assert.ok((await cloud.exec(key, 'ping')).success)
    const { closed } = JSON.parse((await device.run('status', '--json')).out)
    assert.deepEqual(
      closed.map(({ capability }: { capability: string }) => capability),
      ['ota'],
    )
    assert.ok(!existsSync(proof))

    execFileSync('/bin/sh', ['-c', remedyIn(closed[0].text)])
    manager.kill('SIGHUP')
    await manager.says(/configuration reloaded/)
    const after = await cloud.exec(key, 'software_update', { package: 'p.zip' })
    assert.ok(after.success, after.errorMessages?.[0])
    await eventually('the update', () => existsSync(device.path('updated')))
    assert.ok(!existsSync(proof))
  },
)

test(
  'a Python folder in the home of another user: the link stays, and only what would run by it is closed',
  needsRoot,
  async t => {
    const cloud = await startCloud(t, { token: deviceToken })
    await offerPackages(t, cloud, [{ name: 'p.zip', manifest: { install: 'touch ../../updated' } }])
    const proof = join(tempDir(t), 'proof')
    const elsewhere = tempDir(t)
    const device = makeDevice(t, cloud, {
      manager: {
        remote_access_support: [
          { name: 'console', port: 2323, command: ['/bin/touch', proof] },
          { name: 'HTTPS', port: String(cloud.https) },
        ],
      },
    })
    mkdirSync(device.path('runtime/upload'), { recursive: true })
    device.write('runtime/upload/report.csv', '1;2;3')
    execFileSync('chown', ['-R', `${stranger}:${stranger}`, device.folder])
    const manager = await device.start()
    const key = device.thingKey
    const thing = await eventually('the services', async () => {
      const { params } = await cloud.api('thing.find', { key })
      return params?.attrs?.remote_access_support === undefined ? undefined : params
    })
    assert.doesNotMatch(thing.attrs.remote_access_support.value, /console/, 'what does not run is not offered')
    assert.match(manager.err, /ota, service_commands, absolute_paths is closed: belongs to uid 4711/)
    await saidBy(cloud, key, /ota, service_commands, absolute_paths: .*chown root: /)
    await t.test('closed are updates, commands of services and absolute paths', async () => {
      assert.deepEqual((await cloud.exec(key, 'software_update', { package: 'p.zip' })).errorCodes, [18])
      const url = `wss://localhost:${cloud.https}/relay/0815/agent`
      const relayed = await cloud.exec(key, 'remote-access', { url, host: 'localhost', protocol: 2323 })
      assert.deepEqual(relayed.errorCodes, [10], relayed.errorMessages?.[0])
      assert.match(relayed.errorMessages?.[0] ?? '', /the command of this service is closed .*chown root: /)
      const path = join(elsewhere, 'secret')
      writeFileSync(path, 'secret')
      const upload = await cloud.exec(key, 'file_upload', { file_name: path })
      assert.deepEqual(upload.errorCodes, [10])
      assert.match(upload.errorMessages?.[0] ?? '', /absolute paths are closed .*chown root: /)
      const { out } = await device.run('status')
      assert.match(out, /closed {5}ota, because of a mistake: .*chown root: /)
      assert.ok(!existsSync(proof) && !existsSync(device.path('updated')))
    })
    await t.test('all else works: telemetry, relative files, a restart that is answered', async () => {
      assert.equal((await device.run('publish', 'telemetry', 'level', '7', '--wait', '20')).code, 0)
      const upload = await cloud.exec(key, 'file_upload', { file_name: 'report.csv' })
      assert.ok(upload.success, upload.errorMessages?.[0])
      const download = await cloud.exec(key, 'file_download', { file_name: 'report.csv', file_path: 'back.csv' })
      assert.ok(download.success, download.errorMessages?.[0])
      assert.equal(device.read('runtime/download/back.csv'), '1;2;3')
      const uptimeS = async () => {
        const { code, out } = await device.run('status', '--json')
        return code === 0 ? (JSON.parse(out) as { uptimeS: number }).uptimeS : undefined
      }
      // Where Node can replace its own process, the one that begins anew has the same pid.
      const before = await eventually('some time', async () => {
        const now = await uptimeS()
        return now !== undefined && now >= 2 && now
      })
      const reset = await cloud.exec(key, 'reset_agent')
      assert.ok(reset.success, reset.errorMessages?.[0])
      await eventually('a manager that has begun anew', async () => {
        const now = await uptimeS()
        return now !== undefined && now < before
      })
    })
    await t.test('config check names it as a mistake, and its commands make everything work again', async () => {
      const before = await device.run('config', 'check', '-i', 'device_manager_py')
      assert.equal(before.code, 3)
      for (const line of before.err.split('\n').filter(one => one.includes(' run: ')))
        execFileSync('/bin/sh', ['-c', remedyIn(line)])
      const after = await device.run('config', 'check', '-i', 'device_manager_py')
      assert.equal(after.code, 0, after.err)
      process.kill((await device.managerPid()) ?? 0, 'SIGHUP')
      await saidBy(cloud, key, /nothing is closed/)
      const reply = await cloud.exec(key, 'software_update', { package: 'p.zip' })
      assert.ok(reply.success, reply.errorMessages?.[0])
      await eventually('the update', () => existsSync(device.path('updated')))
    })
  },
)

test('a runtime_dir that another user names leads file actions and decommissioning nowhere', needsRoot, async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const other = tempDir(t)
  mkdirSync(join(other, 'upload'))
  writeFileSync(join(other, 'upload', 'report'), 'of somebody else')
  const device = makeDevice(t, cloud, { manager: { runtime_dir: other, upload_remove_on_success: true } })
  chmodSync(device.folder, 0o755)
  for (const name of ['', 'iot.cfg', 'iot-connect.cfg']) chownSync(device.path(name), stranger, stranger)
  const manager = await device.start()
  await cloud.waitForThing(device.thingKey)
  for (const action of ['file_upload', 'file_download']) {
    const reply = await cloud.exec(device.thingKey, action, { file_name: 'report' })
    assert.match(reply.errorMessages?.[0] ?? '', /runtime_dir leads out of .* belongs to uid 4711/, action)
  }
  await cloud.exec(device.thingKey, 'decommission_device')
  await manager.ended
  assert.deepEqual(readdirSync(join(other, 'upload')), ['report'])
})
