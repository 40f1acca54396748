// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { needsRoot } from '../helpers/as-root.ts'
import { asAttacker, attackersFolder } from '../helpers/attacker.ts'
import { fromSource } from '../helpers/from-source.ts'
import { type LocalCloud, startCloud } from '../helpers/local-cloud.ts'
import { deviceToken, type ManagedDevice, makeDevice, type RunningCommand } from '../helpers/managed-device.ts'
import { tempDir } from '../helpers/temp-dir.ts'

/** Long enough for the process that acts in between to finish, however busy the machine is; the order is asserted all the same. */
const heldS = 3

interface Scene {
  readonly cloud: LocalCloud
  readonly device: ManagedDevice
  readonly manager: RunningCommand
  /** Belongs to the attacker; `file_transfer.allow` names `data` in it. */
  readonly home: string
  readonly data: string
  /** What he is after, and may not read. */
  readonly vault: string
  exec(action: string, params: object): ReturnType<LocalCloud['exec']>
  /** What the store of the thing has under a name. */
  stored(name: string): Promise<string | undefined>
}

const secret = 'root:$6$secret'

async function scene(
  t: TestContext,
  cloud: LocalCloud,
  allow?: (places: { data: string }) => readonly string[],
): Promise<Scene> {
  const root = realpathSync(tempDir(t))
  const home = attackersFolder(root, 'home')
  const data = join(home, 'data')
  const vault = join(root, 'vault')
  asAttacker(`mkdir ${data} ${data}/in`, `echo public >${data}/report.csv`)
  mkdirSync(vault, { mode: 0o700 })
  for (const name of ['report.csv', 'shadow', 'fw.bin']) writeFileSync(join(vault, name), secret)
  const connection = allow === undefined ? {} : { file_transfer: { allow: allow({ data }) } }
  const device = makeDevice(t, cloud, { connection })
  const manager = await device.start()
  await cloud.waitForThing(device.thingKey)
  const exec: Scene['exec'] = (action, params) => cloud.exec(device.thingKey, action, params)
  const stored: Scene['stored'] = async name => {
    const found = await exec('file_download', { file_name: name, file_path: 'look' })
    return found.success ? device.read('runtime/download/look') : undefined
  }
  return { cloud, device, manager, home, data, vault, exec, stored }
}

/** Runs an action that the cloud holds up at `heldUp`; `attack` is over before it goes on. */
async function during(
  s: Scene,
  action: string,
  params: object,
  heldUp: (since: number) => Promise<unknown>,
  attack: () => void,
): Promise<Awaited<ReturnType<LocalCloud['exec']>>> {
  const since = await s.cloud.mark()
  let isOver = false
  const running = s.exec(action, params).finally(() => {
    isOver = true
  })
  running.catch(() => {})
  await heldUp(since)
  attack()
  assert.ok(!isOver, 'the attack was over before the transfer was')
  const reply = await running
  await s.cloud.clearFaults()
  return reply
}

test('a local user makes the agent neither read nor write outside of file_transfer.allow', needsRoot, async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const s = await scene(t, cloud, ({ data }) => [data])
  const { home, data, vault, exec, stored } = s

  await t.test('what is allowed works', async () => {
    assert.ok((await exec('file_upload', { file_path: `${data}/report.csv` })).success)
    assert.equal(await stored('report.csv'), 'public\n')
    assert.ok((await exec('file_download', { file_name: 'report.csv', file_path: `${data}/in/copy` })).success)
    assert.equal(readFileSync(`${data}/in/copy`, 'utf8'), 'public\n')
    assert.deepEqual((await exec('file_upload', { file_path: `${vault}/shadow` })).errorCodes, [10])
  })

  await t.test('the allowed root is swapped for a link', async () => {
    asAttacker(`mv ${data} ${home}/old`, `ln -s ${vault} ${data}`)
    for (const [action, params] of [
      ['file_upload', { file_path: `${data}/shadow` }],
      ['file_upload', { file_path: data }],
      ['file_download', { file_name: 'report.csv', file_path: `${data}/shadow` }],
      ['file_download', { file_name: 'report.csv', file_path: `${data}/new` }],
    ] as const) {
      const { errorCodes, errorMessages } = await exec(action, params)
      assert.deepEqual(errorCodes, [10], `${action} ${JSON.stringify(params)}`)
      assert.match(errorMessages?.[0] ?? '', /a link that a user other than root/)
    }
    asAttacker(`rm ${data}`, `mv ${home}/old ${data}`)
  })

  await t.test('a folder is swapped while the cloud holds back its answer to file.get', async () => {
    await cloud.fault('delayReply', { command: 'file.get', ms: heldS * 1000, times: 1 })
    const asked = (since: number) => cloud.heard({ command: 'file.get', direction: 'in', since })
    const swap = () => asAttacker(`mv ${data}/in ${data}/moved`, `ln -s ${vault} ${data}/in`)
    const params = { file_name: 'report.csv', file_path: `${data}/in/shadow` }
    assert.ok((await during(s, 'file_download', params, asked, swap)).success)
    assert.equal(readFileSync(`${data}/moved/shadow`, 'utf8'), 'public\n', 'where the checked folder is now')
    asAttacker(`rm ${data}/in`, `mv ${data}/moved ${data}/in`)
  })

  const refusedOnce = async () => {
    await cloud.fault('fileStatus', { status: 503, on: 'upload', retryAfterS: heldS, times: 1 })
    return (since: number) => cloud.heard({ kind: 'http', direction: 'out', since }, ({ status }) => status === 503)
  }

  await t.test('a folder is swapped between two tries of an upload', async () => {
    const refused = await refusedOnce()
    asAttacker(`mkdir ${data}/sub`, `echo first >${data}/sub/shadow`)
    const swap = () => asAttacker(`mv ${data}/sub ${data}/moved`, `ln -s ${vault} ${data}/sub`)
    const params = { file_path: `${data}/sub/shadow`, file_name: 'first' }
    assert.ok((await during(s, 'file_upload', params, refused, swap)).success)
    assert.equal(await stored('first'), 'first\n', 'the file that was checked')
  })

  await t.test('the last part is swapped for a link between two tries', async () => {
    const refused = await refusedOnce()
    asAttacker(`echo second >${data}/last`)
    const swap = () => asAttacker(`rm ${data}/last`, `ln -s ${vault}/shadow ${data}/last`)
    const params = { file_path: `${data}/last`, file_name: 'second' }
    assert.ok((await during(s, 'file_upload', params, refused, swap)).success)
    assert.equal(await stored('second'), 'second\n')
    assert.deepEqual((await exec('file_upload', params)).errorCodes, [10], 'and the link is refused')
  })

  await t.test('file by file: a sub-folder is swapped between two tries', async () => {
    s.device.write('iot.cfg', { ...JSON.parse(s.device.read('iot.cfg')), upload_tar_file: false })
    s.manager.kill('SIGHUP')
    await s.manager.says(/configuration reloaded/)
    const refused = await refusedOnce()
    asAttacker(`mkdir -p ${data}/tree/sub`, `echo a >${data}/tree/a`, `echo third >${data}/tree/sub/shadow`)
    const swap = () => asAttacker(`mv ${data}/tree/sub ${data}/tree.old`, `ln -s ${vault} ${data}/tree/sub`)
    const { success } = await during(s, 'file_upload', { file_path: `${data}/tree` }, refused, swap)
    assert.ok(!success)
    assert.equal(await stored('sub/shadow'), undefined)
  })

  await t.test('the vault is as it was, and the store has nothing of it', async () => {
    assert.deepEqual(readdirSync(vault), ['fw.bin', 'report.csv', 'shadow'])
    for (const name of readdirSync(vault)) assert.equal(readFileSync(join(vault, name), 'utf8'), secret)
    for (const name of ['shadow', 'report.csv', 'first', 'second']) assert.notEqual(await stored(name), secret)
  })
})

test(
  'with the reach of the Python agent, neither links of local users nor the own files of the agent are in it',
  needsRoot,
  async t => {
    const cloud = await startCloud(t, { token: deviceToken })
    const s = await scene(t, cloud)
    const { device, home, vault, exec, stored } = s

    await t.test('a file that is planted as a link is neither sent nor removed', async () => {
      asAttacker(`mkdir ${home}/upload`, `ln -s ${vault}/report.csv ${home}/upload/report.csv`)
      assert.deepEqual((await exec('file_upload', { file_path: `${home}/upload/report.csv` })).errorCodes, [10])
      assert.equal(readFileSync(`${vault}/report.csv`, 'utf8'), secret)
      assert.ok(lstatSync(`${home}/upload/report.csv`).isSymbolicLink())
    })

    await t.test('a download does not overwrite what a planted link leads to', async () => {
      asAttacker(`mkdir ${home}/in`, `ln -s ${vault}/fw.bin ${home}/in/fw.bin`)
      device.write('runtime/upload/new', 'new')
      assert.ok((await exec('file_upload', { file_name: 'new' })).success)
      assert.deepEqual(
        (await exec('file_download', { file_name: 'new', file_path: `${home}/in/fw.bin` })).errorCodes,
        [10],
      )
      assert.equal(readFileSync(`${vault}/fw.bin`, 'utf8'), secret)
    })

    await t.test('a folder named upload that is a link empties nothing', async () => {
      asAttacker(`mkdir ${home}/app`, `ln -s ${vault} ${home}/app/upload`)
      assert.deepEqual((await exec('file_upload', { file_path: `${home}/app/upload` })).errorCodes, [10])
      // Nor does one of root: what lies outside of runtime/upload is sent, and stays.
      symlinkSync(vault, `${home}/upload-of-root`)
      assert.ok((await exec('file_upload', { file_path: `${home}/upload-of-root/report.csv` })).success)
      assert.deepEqual(readdirSync(vault), ['fw.bin', 'report.csv', 'shadow'])
    })

    await t.test(
      'an archive takes no file in through a link, and none with a second name of somebody else',
      async () => {
        asAttacker(`mkdir ${home}/logs`, `echo log >${home}/logs/a.log`, `ln -s ${vault}/shadow ${home}/logs/link`)
        // As on a device without fs.protected_hardlinks.
        linkSync(`${vault}/shadow`, `${home}/logs/hard`)
        const { success, errorMessages } = await exec('file_upload', { file_path: `${home}/logs` })
        assert.ok(success, errorMessages?.[0])
        const archive = (await stored(`${home.slice(1).replaceAll('/', '-')}-logs.tar`)) ?? ''
        assert.match(archive, /a\.log/)
        assert.ok(!archive.includes(secret))
        const said = await cloud.heard({ command: 'mailbox.ack', contains: 'left out' })
        assert.match(JSON.stringify(said.payload), /left out.*hard/)
      },
    )

    await t.test("the operator gets none of the agent's own files, and puts none in their place", async () => {
      const before = device.read('iot-connect.cfg')
      mkdirSync(device.path('actions.d'))
      const own = ['iot-connect.cfg', 'iot.cfg', 'device_id', 'attributes.cfg', 'runtime/device-cloud.lock']
      for (const name of [...own, 'other-connect.cfg', 'actions.d/evil', 'runtime/ota/releases.json', 'queue/x']) {
        const path = device.path(name)
        const had = existsSync(path)
        const down = await exec('file_download', { file_name: 'new', file_path: path })
        assert.deepEqual(down.errorCodes, [10], name)
        assert.match(down.errorMessages?.[0] ?? '', /belongs to the agent itself.*file_transfer\.allow/)
        assert.deepEqual((await exec('file_upload', { file_path: path })).errorCodes, [10], name)
        assert.equal(existsSync(path), had, name)
      }
      for (const path of [device.folder, device.path('runtime')])
        assert.deepEqual((await exec('file_upload', { file_path: path })).errorCodes, [10], path)
      for (const path of ['/proc/self/environ', '/sys/kernel/uevent_seqnum', '/dev/null', '/etc/init.d/device-cloud'])
        assert.deepEqual((await exec('file_upload', { file_path: path })).errorCodes, [10], path)
      assert.equal(device.read('iot-connect.cfg'), before)
    })

    await t.test('the command line refuses to replace a link to its own output, and says what to do', async () => {
      symlinkSync('/proc/self/fd/1', device.path('out'))
      for (const path of [device.path('out'), '/dev/null']) {
        const { code, err } = await device.run('download', 'new', path)
        assert.equal(code, 2, err)
        assert.match(err, /will not be replaced by a file/)
      }
      assert.ok(lstatSync(device.path('out')).isSymbolicLink())
    })
  },
)

test('runtime/upload as a link of another user is refused: nothing is sent, nothing is removed', needsRoot, async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const root = realpathSync(tempDir(t))
  const home = attackersFolder(root, 'home')
  const vault = join(root, 'vault')
  mkdirSync(vault)
  writeFileSync(join(vault, 'passwd'), secret)
  const runtime = join(home, 'runtime')
  asAttacker(`mkdir ${runtime}`, `ln -s ${vault} ${runtime}/upload`)
  const device = makeDevice(t, cloud, { manager: { runtime_dir: runtime } })
  const manager = await device.start()
  await cloud.waitForThing(device.thingKey)
  for (const params of [{}, { file_name: 'passwd' }, { file_path: join(runtime, 'upload/passwd') }])
    assert.deepEqual(
      (await cloud.exec(device.thingKey, 'file_upload', params)).errorCodes,
      [10],
      JSON.stringify(params),
    )
  await manager.says(/a folder is closed to file actions/)
  assert.deepEqual(readdirSync(vault), ['passwd'])
  // Root makes it a folder again, and has the configuration read again.
  rmSync(join(runtime, 'upload'))
  mkdirSync(join(runtime, 'upload'))
  chmodSync(join(runtime, 'upload'), 0o777)
  asAttacker(`echo x >${runtime}/upload/x`)
  manager.kill('SIGHUP')
  await manager.says(/configuration reloaded/)
  assert.ok((await cloud.exec(device.thingKey, 'file_upload', { file_name: 'x' })).success)
  assert.deepEqual(readdirSync(join(runtime, 'upload')), [])
})

test('without /proc file actions say so, and an application still moves its files', needsRoot, async t => {
  const folder = realpathSync(tempDir(t))
  symlinkSync('/etc/hostname', join(folder, 'link'))
  // In a world of mounts of its own.
  const program = resolve(import.meta.dirname, 'programs/without-proc.ts')
  const line = 'mount --make-rprivate / && umount -l /proc && exec "$0" "$@"'
  const args = ['--mount', 'sh', '-c', line, process.execPath, ...fromSource, program, folder]
  if (spawnSync('unshare', ['--mount', 'true']).status !== 0) return t.skip('nobody gets mounts of his own here')
  const { stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8' })
  assert.notEqual(stdout, '', stderr)
  const told = JSON.parse(stdout)
  assert.match(told.walk, /NOT_SUPPORTED: File actions need \/proc.*mount -t proc/)
  assert.deepEqual([told.text, told.refused, told.kind], ['content', 'refused', 'file'], stdout)
  // What the manager tells of itself and the machine is what can be seen all the same.
  assert.ok(told.health.includes('diskFreeBytes') && !told.health.includes('ownMemoryBytes'), stdout)
  assert.deepEqual(Object.keys(told.memory), ['heapUsedBytes'])
})
