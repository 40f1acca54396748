// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { serviceForms } from '../../../src/manager/service/service-file.ts'
import { servicePlaces } from '../../../src/manager/transfers/reach/service-places.ts'
import type { Source } from '../../../src/manager/transfers/reach/source.ts'
import { makeWay } from '../../../src/platform/held/make-way.ts'
import { needsRoot } from '../../helpers/as-root.ts'
import { asAttacker, attackersFolder, openDescriptors } from '../../helpers/attacker.ts'
import { reachScene } from '../../helpers/reach-scene.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

function scene(t: TestContext, allowed: readonly string[] = ['/'], own: object = {}) {
  const made = reachScene(t, { own })
  const { root, reach } = made
  made.allow.now = allowed.map(path => (path === '/' ? path : join(root, path)))
  t.after(() => assert.deepEqual(openDescriptors(root), [], 'nothing stays open'))
  const write = (path: string, text = 'content') => {
    const full = join(root, path)
    mkdirSync(dirname(full), { recursive: true })
    writeFileSync(full, text)
    return full
  }
  const closed = async (source: Source | undefined) => {
    await source?.close()
    return source
  }
  /** Where an upload, or a download, of an absolute path leads. */
  const up = async (path: string) =>
    (await closed(await reach.source({ path: join(root, path), relative: false })))?.path
  const down = async (path: string, relative = false) => {
    const { path: real, folder, missing } = await reach.destination({ path: join(root, path), relative, name: 'name' })
    const made = await makeWay(folder, missing)
    if (made !== folder) await made.close()
    await folder.close()
    return real
  }
  const refusedUp = (path: string, why = /./) => assert.rejects(up(path), { code: 'PATH_REFUSED', message: why }, path)
  const refusedDown = (path: string, why = /./) =>
    assert.rejects(down(path), { code: 'PATH_REFUSED', message: why }, path)
  /** Neither sent nor written. */
  const refused = async (path: string, why?: RegExp) => {
    await refusedUp(path, why)
    await refusedDown(path, why)
  }
  return { ...made, write, up, down, refused, refusedUp, refusedDown, closed }
}

const upload = 'config/runtime/upload'
const download = 'config/runtime/download'

test('links decide where a path really leads [M1]', async t => {
  const s = scene(t)
  mkdirSync(join(s.root, download, 'sub'))
  s.write('outside/secret')
  for (const [name, target] of [
    ['way-out', join(s.root, 'outside')],
    ['linked-file', join(s.root, 'outside/secret')],
    ['dangling', join(s.root, 'outside/not-there-yet')],
    ['loop', 'loop'],
    ['inside', 'sub'],
  ] as const)
    symlinkSync(target, join(s.root, download, name))
  // Also where absolute paths may go everywhere, which is the default.
  assert.equal(await s.down(`${download}/new`, true), join(s.root, download, 'new'))
  assert.equal(await s.down(`${download}/sub/deep/new`, true), join(s.root, download, 'sub/deep/new'))
  assert.equal(await s.down(`${download}/inside/new`, true), join(s.root, download, 'sub/new'))
  for (const name of ['way-out/new', 'way-out', 'linked-file', 'dangling', 'way-out/x', 'loop/x'])
    await assert.rejects(s.down(`${download}/${name}`, true), { code: 'PATH_REFUSED' }, name)
  assert.deepEqual(readdirSync(join(s.root, 'outside')), ['secret'])
})

test('absolute paths go where file_transfer.allow names them, links followed; the own folder is always open', async t => {
  const s = scene(t, ['alias', 'single.txt', 'later/on'])
  for (const path of ['data/x', 'database/x', 'etc/passwd', 'single.txt', 'single.txt2', 'later/x']) s.write(path)
  symlinkSync(join(s.root, 'etc'), join(s.root, 'data/link-to-etc'))
  symlinkSync(join(s.root, 'data'), join(s.root, 'alias'))
  symlinkSync(join(s.root, 'data'), join(s.root, 'other-alias'))
  s.write(`${upload}/x`)
  for (const path of ['data/x', 'alias/x', 'other-alias/x']) assert.equal(await s.up(path), join(s.root, 'data/x'))
  assert.equal(await s.up('data/nothing'), undefined)
  assert.equal(await s.up(`${upload}/x`), join(s.root, upload, 'x'))
  assert.equal(await s.up('single.txt'), join(s.root, 'single.txt'))
  assert.equal(await s.down('later/on/a/b'), join(s.root, 'later/on/a/b'), 'what is not there yet is made')
  assert.deepEqual(readdirSync(join(s.root, 'later/on/a')), [], 'but for the file itself')
  assert.equal(await s.up('later/on/a'), join(s.root, 'later/on/a'))
  for (const path of [
    'database/x',
    'etc/passwd',
    'data/link-to-etc/passwd',
    'dat',
    'single.txt2',
    'later/x',
    'later',
    '',
  ])
    await s.refused(path, /file_transfer\.allow/)
  await s.refusedUp('nothing/at/all', /file_transfer\.allow/)
})

test('a folder that leads to the root of the file system allows nothing, also when it comes later', async t => {
  const { reach, root, allow, said } = reachScene(t, { allow: [] })
  const [link, file] = [join(root, 'all'), join(root, 'file')]
  writeFileSync(file, 'x')
  const refuses = () => assert.rejects(reach.source({ path: file, relative: false }), /file_transfer\.allow/)
  allow.now = [link, '/proc/self/root']
  await reach.load()
  await refuses()
  symlinkSync('/', link)
  await refuses()
  await reach.load()
  await refuses()
  for (const folder of allow.now) assert.match(said(), new RegExp(`${folder} leads to the root of the file system`))
  allow.now = [link, '/']
  await reach.load()
  const source = await reach.source({ path: file, relative: false })
  assert.ok(source !== undefined)
  await source.close()
})

test('a download into a folder gets the name of the file; what is no file is never replaced', async t => {
  const s = scene(t)
  mkdirSync(join(s.root, 'data/sub/name'), { recursive: true })
  assert.equal(await s.down('data'), join(s.root, 'data/name'))
  await assert.rejects(s.down('data/sub'), { code: 'INVALID_ARGUMENT', message: /is a folder/ })
  await assert.rejects(s.reach.destination({ path: join(s.root, 'data'), relative: false, name: 'a/b' }), {
    code: 'INVALID_ARGUMENT',
  })
})

test("the agent's own things are out of reach, whatever is allowed", async t => {
  const s = scene(t, ['/'], {})
  const own = [
    'config/iot-connect.cfg',
    'config/other-connect.cfg',
    'config/iot.cfg',
    'config/attributes.cfg',
    'config/device_id',
    'config/actions.d/restart',
    'config/config.d/x',
    'config/new.d/x',
    'config/queue/thing/000001',
    'config/runtime/otapackage/run.sh',
    'config/runtime/ota/releases.json',
    'config/runtime/.otalock',
    'config/runtime/device-cloud.lock',
    'config/runtime/message_ids',
    'config/runtime/uploads/x',
  ]
  for (const path of own) {
    await s.refusedDown(path, /no file action reaches/)
    s.write(path)
    await s.refused(path, /no file action reaches/)
  }
  for (const path of ['config', 'config/runtime', 'config/actions.d']) await s.refused(path, /no file action reaches/)
  for (const path of [
    'config/new-file',
    'config/queue',
    'config/runtime/new',
    'config/samples.d',
    'config/modules.d/x',
  ])
    await s.refusedDown(path, /no file action reaches/)
  assert.ok(!existsSync(join(s.root, 'config/modules.d')), 'nothing was made on the way')
  // A folder of the Python agent may hold other things beside its configuration.
  assert.equal(await s.down('config/data/x'), join(s.root, 'config/data/x'))
  assert.equal(await s.down(`${download}/x`), join(s.root, download, 'x'))
})

test('files that settings name, the log and its rotations, the programs and what waits beside them are out of reach', async t => {
  const s = scene(t, ['/'])
  const at = (name: string) => join(s.root, name)
  const own = { settingFiles: [at('pki/ca.pem')], logFile: at('log/agent.log'), queueFolder: at('state/queue') }
  const named = { ...own, programs: [at('bin/device-cloud')], connectionFile: at('elsewhere/my.cfg') }
  const r = scene(t, ['/'], named)
  const paths = ['pki/ca.pem', 'log/agent.log', 'log/agent.log.1', 'log/agent.log.2.gz', 'state/queue/thing/1']
  for (const path of [...paths, 'bin/device-cloud', 'bin/device-cloud.new', 'elsewhere/my.cfg']) {
    const asked = () => r.reach.source({ path: at(path), relative: false })
    s.write(path)
    await assert.rejects(asked(), { code: 'PATH_REFUSED', message: /no file action reaches/ }, path)
  }
  for (const path of ['pki/other.pem', 'log/other.log', 'bin/tool']) assert.equal(await r.up(path), undefined)
})

test('/proc, /sys and /dev are out of reach, and so is what the service manager reads', async t => {
  const s = scene(t)
  const paths = [
    '/proc/self/environ',
    '/proc/1/root/etc/hostname',
    '/sys/kernel',
    '/dev/null',
    '/dev/stdout',
    '/dev/fd/1',
  ]
  for (const path of [...paths, ...servicePlaces.files])
    await assert.rejects(s.reach.source({ path, relative: false }), { code: 'PATH_REFUSED' }, path)
  for (const path of [...paths, ...servicePlaces.folders.map(folder => `${folder}/new`), '/etc/rc2.d/S99device-cloud'])
    await assert.rejects(s.reach.destination({ path, relative: false, name: 'x' }), { code: 'PATH_REFUSED' }, path)
})

test('the list of what the service manager reads has every file that an installation makes', () => {
  const known: ReadonlySet<string> = new Set(servicePlaces.files)
  for (const form of Object.values(serviceForms)) assert.ok(known.has(form.path), form.path)
})

test('links of our own lead to our own things no more than their path does', async t => {
  const s = scene(t)
  s.write('config/iot-connect.cfg', 'token')
  s.write('data/x')
  symlinkSync(join(s.root, 'config/iot-connect.cfg'), join(s.root, 'data/link'))
  symlinkSync(join(s.root, 'config'), join(s.root, 'data/folder'))
  await s.refused('data/link', /no file action reaches/)
  await s.refused('data/folder/iot-connect.cfg', /no file action reaches/)
  await s.refusedDown('data/folder/new', /no file action reaches/)
})

test('another name of one of our files is that file (hard link), also deep in our folders', async t => {
  const s = scene(t)
  s.write('config/iot-connect.cfg', 'token')
  s.write('config/other.pem', 'key')
  s.write('config/runtime/ota/releases.json', '{}')
  mkdirSync(join(s.root, 'data'))
  for (const path of ['iot-connect.cfg', 'other.pem', 'runtime/ota/releases.json']) {
    linkSync(join(s.root, 'config', path), join(s.root, 'data/copy'))
    await s.refused('data/copy', /no file action reaches/)
    rmSync(join(s.root, 'data/copy'))
  }
  // Whatever it is called there.
  const odd = Buffer.from(join(s.root, 'config/runtime/ota/k\xe9y'), 'latin1')
  writeFileSync(odd, 'key')
  linkSync(odd, join(s.root, 'data/copy'))
  await s.refused('data/copy', /no file action reaches/)
})

test('a name of UTF-8 that is given byte by byte is that name, also where nothing is there yet', async t => {
  const folder = realpathSync(tempDir(t))
  const byBytes = (name: string) => name.replace('ü', '\udcc3\udcbc')
  const own = { settingFiles: [join(folder, 'schlüssel.pem')], queueFolder: join(folder, 'gerüst') }
  const { reach } = scene(t, ['/'], own)
  for (const name of ['schlüssel.pem', 'gerüst/sample', 'gerüst'].flatMap(name => [name, byBytes(name)]))
    await assert.rejects(
      reach.destination({ path: join(folder, name), relative: false, name: 'name' }),
      { code: 'PATH_REFUSED', message: /no file action reaches/ },
      name,
    )
})

test('a link of another user is never followed: nothing is sent, replaced or made through it', needsRoot, async t => {
  const s = scene(t)
  s.write('etc/secret', 'secret')
  const home = attackersFolder(s.root, 'home')
  asAttacker(
    `mkdir ${home}/upload ${home}/in`,
    `ln -s ${s.root}/etc/secret ${home}/upload/report.csv`,
    `ln -s ${s.root}/etc/secret ${home}/in/fw.bin`,
    `ln -s ${s.root}/etc ${home}/folder`,
  )
  for (const path of ['home/upload/report.csv', 'home/in/fw.bin', 'home/folder/secret', 'home/folder'])
    await s.refused(path, /link .*user 65534/)
  await s.refusedDown('home/folder/new/file', /link/)
  assert.deepEqual(readdirSync(join(s.root, 'etc')), ['secret'])
  // A link that root made says what root wants.
  symlinkSync(join(s.root, 'etc/secret'), join(home, 'of-root'))
  assert.equal(await s.up('home/of-root'), join(s.root, 'etc/secret'))
})

test(
  'an allowed root that was swapped is refused: for a link, and for another folder where others may do so',
  needsRoot,
  async t => {
    const s = scene(t, ['home/data'])
    const home = attackersFolder(s.root, 'home')
    s.write('etc/secret')
    asAttacker(`mkdir ${home}/data`, `echo x >${home}/data/x`)
    mkdirSync(join(home, 'of-root'), { mode: 0o700 })
    writeFileSync(join(home, 'of-root/x'), 'secret')
    await s.reach.load()
    assert.equal(await s.up('home/data/x'), join(home, 'data/x'))
    asAttacker(`mv ${home}/data ${home}/old`, `ln -s ${s.root}/etc ${home}/data`)
    await s.refused('home/data/secret', /link .*user 65534/)
    asAttacker(`rm ${home}/data`, `mv ${home}/of-root ${home}/data`)
    await s.refused('home/data/x', /another folder than when the configuration was read/)
    asAttacker(`mv ${home}/data ${home}/of-root`, `mkdir ${home}/data`, `echo y >${home}/data/x`)
    assert.equal(await s.up('home/data/x'), join(home, 'data/x'), 'his own folder is his own affair')
    asAttacker(`rm -r ${home}/data`, `mv ${home}/old ${home}/data`)
    assert.equal(await s.up('home/data/x'), join(home, 'data/x'))
  },
)

test('a root that root itself replaces stays the root', needsRoot, async t => {
  const s = scene(t, ['data'])
  // The folders above this one are sticky or ours.
  s.write('data/x')
  await s.reach.load()
  renameSync(join(s.root, 'data'), join(s.root, 'old'))
  s.write('data/y')
  assert.equal(await s.up('data/y'), join(s.root, 'data/y'))
  await s.refused('old/x', /file_transfer\.allow/)
})

test(
  'a root that another user makes a link before its first use is closed, and the owner is told',
  needsRoot,
  async t => {
    const s = scene(t, ['home/link', 'home/later'])
    const home = attackersFolder(s.root, 'home')
    s.write('etc/secret')
    asAttacker(`ln -s ${s.root}/etc ${home}/link`)
    await s.reach.load()
    assert.match(s.said(), /closed to file actions.*home\/link/)
    asAttacker(`ln -s ${s.root}/etc ${home}/later`)
    for (const path of ['home/link/secret', 'home/later/secret', 'etc/secret']) await s.refused(path)
  },
)

test('runtime/upload may be a link that root made to a folder of its own, and to nothing else', needsRoot, async t => {
  const s = scene(t, [])
  s.write('data/upload/x')
  const replace = (target: string) => {
    rmSync(join(s.root, upload), { recursive: true })
    symlinkSync(target, join(s.root, upload))
    return s.reach.load()
  }
  const asked = async () => s.closed(await s.reach.source({ path: join(s.root, upload, 'x'), relative: true }))
  await replace(join(s.root, 'data/upload'))
  const found = await asked()
  assert.deepEqual([found?.path, found?.isRemovable], [join(s.root, 'data/upload/x'), true])
  for (const target of ['/etc', '/etc/init.d', '/var', '/', join(s.root, 'config'), join(s.root, 'config/runtime')]) {
    await replace(target)
    await assert.rejects(asked(), { code: 'PATH_REFUSED', message: /is a link to/ }, target)
  }
  assert.match(s.said(), /closed to file actions/)
})

test('an upload folder that is a link of another user sends and removes nothing', needsRoot, async t => {
  const s = scene(t)
  s.write('precious/file')
  rmSync(join(s.root, 'config'), { recursive: true })
  const runtime = attackersFolder(s.root, 'config', 'runtime')
  asAttacker(`mkdir ${runtime}/download`, `ln -s ${s.root}/precious ${runtime}/upload`)
  for (const path of [upload, `${upload}/file`])
    await assert.rejects(s.reach.source({ path: join(s.root, path), relative: true }), {
      code: 'PATH_REFUSED',
      message: /link .*user 65534/,
    })
})

test('a file with several names is sent only where nobody else could have given it one', needsRoot, async t => {
  const s = scene(t)
  const home = attackersFolder(s.root, 'home')
  s.write('etc/secret')
  chmodSync(join(s.root, 'etc'), 0o755)
  // As on a device without fs.protected_hardlinks.
  linkSync(join(s.root, 'etc/secret'), join(home, 'report.csv'))
  await s.refusedUp('home/report.csv', /2 names \(hard links\)/)
  assert.equal(await s.up('etc/secret'), join(s.root, 'etc/secret'))
  const folder = await s.reach.source({ path: home, relative: false })
  assert.ok(folder?.kind === 'folder')
  await assert.rejects(folder.openFile(folder.folder, 'report.csv'), { code: 'PATH_REFUSED' })
  await folder.close()
})

test('only the very file that was sent is removed, and only from the real upload folder', async t => {
  const s = scene(t)
  const sent = async (path: string, meanwhile: (full: string) => void) => {
    const full = s.write(path)
    utimesSync(full, 1, 1)
    const source = await s.reach.source({ path: full, relative: false })
    assert.ok(source?.kind === 'file')
    meanwhile(full)
    if (source.isRemovable) await source.removeUnchanged()
    await source.close()
    return existsSync(full)
  }
  assert.equal(await sent(`${upload}/a`, () => {}), false)
  assert.equal(await sent(`${upload}/sub/a`, () => {}), false)
  assert.equal(await sent('other/upload/a', () => {}), true, 'a folder of that name elsewhere')
  assert.equal(await sent(`${upload}/b`, full => writeFileSync(full, 'more', { flag: 'a' })), true, 'written to')
  assert.equal(await sent(`${upload}/d`, full => writeFileSync(full, 'changed')), true, 'the same size')
  const replaced = (full: string) => {
    writeFileSync(`${full}.tmp`, 'content')
    utimesSync(`${full}.tmp`, 1, 1)
    renameSync(`${full}.tmp`, full)
  }
  assert.equal(await sent(`${upload}/c`, replaced), true, 'another file of the same size and time')
})

test('a folder leaves out what is our own, and says what', async t => {
  const s = scene(t)
  for (const path of ['config/iot.cfg', 'config/data/x', 'config/actions.d/a', 'app/y']) s.write(path)
  linkSync(join(s.root, 'config/iot.cfg'), join(s.root, 'app/z'))
  const source = await s.reach.source({ path: s.root, relative: false })
  assert.ok(source?.kind === 'folder')
  const { folderTree } = await import('../../../src/platform/held/folder-tree.ts')
  const seen: string[] = []
  for await (const { path } of folderTree(source.folder, { maxEntries: 99, maxDepth: 9 }, source.leaveOut))
    seen.push(path)
  await source.close()
  assert.deepEqual(seen, ['app', 'app/y'])
})

test('a file of another user hands down no right to write', needsRoot, async t => {
  const s = scene(t)
  const home = attackersFolder(s.root, 'home')
  asAttacker(`echo >${home}/his; chmod 0777 ${home}/his`)
  s.write('own')
  chmodSync(join(s.root, 'own'), 0o664)
  for (const [path, mode] of [
    ['home/his', 0o755],
    ['own', 0o664],
    ['new', undefined],
  ] as const) {
    const found = await s.reach.destination({ path: join(s.root, path), relative: false, name: 'x' })
    await found.folder.close()
    assert.equal(found.mode, mode, path)
  }
  assert.equal(readFileSync(join(s.root, 'own'), 'utf8'), 'content')
})

test('another mount of one of our folders or files is that folder or file', needsRoot, async t => {
  const s = scene(t)
  s.write('config/iot-connect.cfg', 'token')
  s.write('config/runtime/ota/releases.json', '{}')
  s.write('single')
  for (const path of ['all', 'ota', 'proc']) mkdirSync(join(s.root, path))
  const mounts = [
    ['--bind', 'config', 'all'],
    ['--bind', 'config/runtime/ota', 'ota'],
    ['--bind', 'config/iot-connect.cfg', 'single'],
    ['--bind', '/proc', 'proc'],
  ] as const
  for (const [how, from, to] of mounts) {
    const { status, stderr } = spawnSync('mount', [how, resolve(s.root, from), join(s.root, to)], { encoding: 'utf8' })
    if (status !== 0) return t.skip(`this machine lets nobody mount: ${stderr}`)
    t.after(() => spawnSync('umount', ['-l', join(s.root, to)]))
  }
  for (const path of ['all/iot-connect.cfg', 'all/new', 'ota/releases.json', 'ota/new', 'single', 'proc/version'])
    await s.refusedDown(path, /no file action reaches/)
  for (const path of ['all', 'all/iot-connect.cfg', 'ota', 'single', 'proc/version', 'proc/self/environ'])
    await s.refusedUp(path, /no file action reaches/)
})
