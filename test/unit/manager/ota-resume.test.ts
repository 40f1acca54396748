// SPDX-License-Identifier: Apache-2.0
/** A process that goes on with an update of another one: what lies there must be the package that was accepted. */
import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../../src/base/clock.ts'
import type { PackageRules } from '../../../src/manager/ota/package/check-package.ts'
import { parseManifest } from '../../../src/manager/ota/package/manifest.ts'
import type { UpdateState } from '../../../src/manager/ota/state/index.ts'
import { readUpdateRequest } from '../../../src/manager/ota/state/request.ts'
import { AgentSlot } from '../../../src/manager/ota/trial/agent-slot.ts'
import { Updates } from '../../../src/manager/ota/updates.ts'
import { Status } from '../../../src/protocol/status.ts'
import { memoryLog } from '../../helpers/memory-log.ts'
import { PackageDoor, type TestKey, testKey, writeSigned } from '../../helpers/signed-packages.ts'
import { tempDir } from '../../helpers/temp-dir.ts'
import { leaveUpdate, updateJournal } from '../../helpers/update-journals.ts'

const says = (word: string) => `sh say.sh ${word}`
const manifest = {
  name: 'app',
  release: 5,
  pre_install: says('pre'),
  install: says('install'),
  post_install: says('post'),
  error_action: says('undo'),
}
const files = [
  { name: 'say.sh', content: 'echo "$1" >>../../effects\n', mode: 0o100755 },
  { name: 'conf/setting', content: 'sound' },
  { name: 'empty/' },
]

/** A device on which an update was cut off with its package unpacked. */
class Scene {
  readonly root: string
  readonly runtimeDir: string
  readonly key: TestKey
  readonly door: PackageDoor
  readonly #owner: PackageRules
  #log = ''

  constructor(root: string, key: TestKey, owner: PackageRules) {
    this.root = root
    this.runtimeDir = join(root, 'runtime')
    this.key = key
    this.#owner = owner
    this.door = new PackageDoor(this.runtimeDir, owner)
  }

  /** A path of what is unpacked. */
  readonly at = (path: string) => join(this.door.places.packageFolder, path)

  get package(): string {
    return join(this.root, 'p.zip')
  }

  get effects(): string {
    const path = join(this.root, 'effects')
    return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').join() : ''
  }

  get log(): string {
    return this.#log
  }

  /** Another process finds this state and goes on to the end. */
  async goOn(left: Partial<UpdateState>, own: { owner?: PackageRules; slot?: AgentSlot; handOver?: () => void } = {}) {
    const { manifest: parsed } = parseManifest(JSON.stringify(manifest))
    const request = {
      ...readUpdateRequest('local-1', { package: 'p.zip' }),
      from: 'local',
      path: this.package,
    } as const
    await leaveUpdate(this.runtimeDir, { step: 'pre_install', request, manifest: parsed, ...left })
    const { log, text } = memoryLog()
    const owner = own.owner ?? this.#owner
    const updates = new Updates({
      places: this.door.places,
      journal: updateJournal(this.runtimeDir),
      cloud: undefined,
      rules: () => owner,
      facts: () => assert.fail('no compatibility is looked at'),
      deviceId: async () => 'dev-1',
      slot: own.slot,
      handOver: () => {
        own.handOver?.()
        void updates.stop()
      },
      reboot: () => assert.fail('nothing reboots'),
      bootId: 'boot-1',
      clock: systemClock,
      log,
    })
    await updates.resume()
    const end = await updates.ended()
    this.#log = text()
    return end
  }
}

async function scene(t: TestContext, requireSignature = true, more: object = {}): Promise<Scene> {
  const root = tempDir(t)
  const key = testKey()
  const made = new Scene(root, key, { publicKeys: [key.text], requireSignature })
  const path = await writeSigned(root, 'p.zip', { ...manifest, ...more }, requireSignature ? [key] : [], files)
  await made.door.takes(path)
  return made
}

test('what is as it was unpacked goes on to the end, also when the package itself is gone', async t => {
  for (const requireSignature of [true, false])
    for (const isGone of [true, false]) {
      const made = await scene(t, requireSignature)
      if (isGone) rmSync(made.package)
      const end = await made.goOn({})
      assert.equal(end?.failure, undefined, made.log)
      assert.equal(made.effects, 'pre,install,post')
      assert.deepEqual(JSON.parse(readFileSync(made.door.places.releases, 'utf8')), { app: 5 })
      assert.equal(existsSync(made.door.places.signed), requireSignature)
      assert.ok(!existsSync(made.door.places.record), 'nothing but the memory stays behind')
    }
})

const damage: readonly (readonly [string, (scene: Scene) => void])[] = [
  ['a script with another content', ({ at }) => writeFileSync(at('say.sh'), 'echo evil >>../../effects\n')],
  ['a file with another content', ({ at }) => writeFileSync(at('conf/setting'), 'evil')],
  [
    'a script that became a link',
    ({ at, root }) => {
      renameSync(at('say.sh'), join(root, 'say.sh'))
      symlinkSync(join(root, 'say.sh'), at('say.sh'))
    },
  ],
  [
    'a file that became a folder',
    ({ at }) => {
      rmSync(at('conf/setting'))
      mkdirSync(at('conf/setting'))
    },
  ],
  ['update.json changed', ({ at }) => writeFileSync(at('update.json'), '{}')],
  [
    'a folder of others in its place',
    ({ at, root }) => {
      renameSync(at(''), join(root, 'moved'))
      symlinkSync(join(root, 'moved'), at(''))
    },
  ],
]
const before: typeof damage = [
  ['a file added', ({ at }) => writeFileSync(at('conf/more'), 'x')],
  ['a file added whose name is no UTF-8', ({ at }) => writeFileSync(Buffer.from(at('t\xe9'), 'latin1'), 'x')],
  ['an empty folder added', ({ at }) => mkdirSync(at('more'))],
  ['an empty folder removed', ({ at }) => rmSync(at('empty'), { recursive: true })],
  ['a file removed', ({ at }) => rmSync(at('conf/setting'))],
  ['all of it removed', ({ at }) => rmSync(at(''), { recursive: true })],
]

for (const [what, change] of [...damage, ...before])
  test(`before its first script: ${what}: no script of it runs, whether signatures are required or not`, async t => {
    for (const requireSignature of [true, false]) {
      const made = await scene(t, requireSignature)
      change(made)
      const end = await made.goOn({})
      assert.equal(made.effects, '')
      assert.equal(end?.step, 'done')
      assert.equal(end?.failure?.status, Status.NoPermission)
      assert.match(
        end?.failure?.text ?? '',
        /cannot be verified as the accepted package, so none of its scripts is run: .*[^.]$/,
      )
      assert.ok(!existsSync(made.door.places.releases), 'nothing was installed')
    }
  })

for (const [what, change] of damage)
  test(`between two scripts: ${what}: neither the next one runs nor error_action`, async t => {
    const made = await scene(t)
    change(made)
    const end = await made.goOn({ step: 'install', changed: true })
    assert.equal(made.effects, '')
    assert.equal(end?.failure?.step, 'install')
    assert.equal(end?.failure?.status, Status.NoPermission)
    assert.doesNotMatch(made.log, /error action/, 'what nobody has signed is not even tried')
  })

const needsRoot = { skip: process.getuid?.() === 0 ? false : 'only root can give a folder away' }

test('a folder that another user owns, or may write to, is not what was unpacked', needsRoot, async t => {
  for (const open of [(path: string) => chownSync(path, 65_534, 65_534), (path: string) => chmodSync(path, 0o707)]) {
    const made = await scene(t)
    open(made.at(''))
    const end = await made.goOn({ step: 'install', changed: true })
    assert.equal(end, undefined, 'it is not taken up')
    assert.match(made.log, /another user can change what would run here: .*otapackage/)
    assert.equal(made.effects, '')
  }
})

test('a folder that the group of root may write to is not as it was unpacked either', needsRoot, async t => {
  const made = await scene(t)
  chmodSync(made.at(''), 0o770)
  const end = await made.goOn({ step: 'install', changed: true })
  assert.match(end?.failure?.text ?? '', /belongs to another user, or others may write to it/)
  assert.equal(made.effects, '')
})

test('between two scripts, what scripts make, take away and let run is theirs', async t => {
  for (const requireSignature of [true, false]) {
    const made = await scene(t, requireSignature)
    writeFileSync(made.at('state-of-pre'), 'x')
    symlinkSync('/etc/hostname', made.at('conf/link'))
    rmSync(made.at('conf/setting'))
    rmSync(made.at('empty'), { recursive: true })
    chmodSync(made.at('say.sh'), 0o755)
    writeFileSync(made.at('ota_install.log'), 'said\n')
    const end = await made.goOn({ step: 'install', changed: true })
    assert.equal(end?.failure, undefined)
    assert.equal(made.effects, 'install,post')
  }
})

test('where no signature is required, a script may have changed files of the package', async t => {
  const made = await scene(t, false)
  writeFileSync(made.at('conf/setting'), 'filled in by pre_install')
  const end = await made.goOn({ step: 'install', changed: true })
  assert.equal(end?.failure, undefined)
  assert.equal(made.effects, 'install,post')
})

test('the commands are those that were signed, whatever a journal says', async t => {
  const made = await scene(t)
  const evil = 'echo evil >>../../effects'
  const forged = parseManifest(JSON.stringify({ ...manifest, install: evil, post_install: evil, error_action: evil }))
  const end = await made.goOn({ step: 'install', manifest: forged.manifest, changed: true })
  assert.equal(end?.failure, undefined)
  assert.equal(made.effects, 'install,post')
  const undone = await scene(t, true, { install: 'exit 3' })
  await undone.goOn({ step: 'install', manifest: forged.manifest, changed: true })
  assert.equal(undone.effects, 'undo')
})

test('a journal without a signed package runs nothing', async t => {
  const left = [
    'nothing',
    'an unsigned package',
    'an unsigned record',
    'a record of the first form',
    'another manifest',
  ]
  for (const leave of left) {
    const made = await scene(t)
    const { record } = made.door.places
    const own = JSON.parse(readFileSync(record, 'utf8'))
    rmSync(made.package)
    rmSync(record)
    if (leave === 'an unsigned package') await writeSigned(made.root, 'p.zip', manifest, [], files)
    const first = Buffer.from(String(Buffer.from(own.signature, 'base64')).split('\n')[0] ?? '').toString('base64')
    if (leave === 'an unsigned record') writeFileSync(record, JSON.stringify({ ...own, signature: undefined }))
    if (leave === 'a record of the first form') writeFileSync(record, JSON.stringify({ ...own, signature: first }))
    const evil = Buffer.from(JSON.stringify({ ...manifest, install: says('evil') })).toString('base64')
    if (leave === 'another manifest') writeFileSync(record, JSON.stringify({ ...own, manifest: evil }))
    const end = await made.goOn({ step: 'install', changed: true })
    assert.equal(made.effects, '', leave)
    assert.equal(end?.failure?.status, Status.NoPermission)
  }
})

test('a record that is damaged or gone: the package itself tells, while it is there', async t => {
  for (const text of [
    undefined,
    '',
    'x',
    '{}',
    '{"manifest":"","listing":""}',
    '{"manifest":"e30=","listing":"file 0644 2 x"}',
  ]) {
    const made = await scene(t)
    const { record } = made.door.places
    if (text === undefined) rmSync(record)
    else writeFileSync(record, text)
    assert.equal((await made.goOn({}))?.failure, undefined, text)
    assert.equal(made.effects, 'pre,install,post')
  }
})

test('an older signed package that somebody puts in its place is as old as when the cloud sends it', async t => {
  const made = await scene(t)
  mkdirSync(made.door.places.stateFolder, { recursive: true })
  writeFileSync(made.door.places.releases, '{"app": 6}')
  const end = await made.goOn({ step: 'install', changed: true })
  assert.match(end?.failure?.text ?? '', /it is release 5, and release 6 of "app" is installed/)
  assert.equal(made.effects, '')
})

test('a package for another device, of another name or by a revoked key is not gone on with', async t => {
  const root = tempDir(t)
  const key = testKey()
  const owner = { publicKeys: [key.text], requireSignature: true }
  const cases: readonly (readonly [object, (scene: Scene) => void, RegExp])[] = [
    [{ devices: ['dev-2'] }, () => {}, /"devices" in it names/],
    [{}, ({ door }) => writeFileSync(door.places.signed, '{"names":["other"],"revoked":[]}'), /its name is "app"/],
    [
      {},
      ({ door }) => writeFileSync(door.places.signed, `{"names":[],"revoked":["${keyIdIn(door)}"]}`),
      /which a signed package has revoked/,
    ],
    [{}, ({ door }) => writeFileSync(door.places.signed, 'x'), /signed\.json/],
    [{}, ({ door }) => writeFileSync(door.places.releases, 'x'), /releases\.json/],
  ]
  for (const [index, [more, change, why]] of cases.entries()) {
    const folder = join(root, String(index))
    mkdirSync(folder)
    const made = new Scene(folder, key, owner)
    const { error } = await made.door.open(await writeSigned(folder, 'p.zip', { ...manifest, ...more }, [key], files), {
      deviceId: 'dev-2',
    })
    assert.equal(error, undefined)
    change(made)
    const end = await made.goOn({ step: 'install', changed: true })
    assert.match(end?.failure?.text ?? '', why)
    assert.equal(made.effects, '')
  }
})

function keyIdIn(door: PackageDoor): string {
  const { signature } = JSON.parse(readFileSync(door.places.record, 'utf8'))
  return String(Buffer.from(signature, 'base64')).split(' ')[1] ?? ''
}

test('a script that ran on meanwhile is waited for, and what comes behind it is proven', async t => {
  const made = await scene(t)
  writeFileSync(join(made.door.places.stateFolder, 'exit-install'), '0\n')
  const whole = await made.goOn({ step: 'install', script: '1 gone', changed: true })
  assert.equal(whole?.failure, undefined)
  assert.equal(made.effects, 'post')
  const other = await scene(t)
  writeFileSync(join(other.door.places.stateFolder, 'exit-install'), '0\n')
  writeFileSync(other.at('say.sh'), 'echo evil >>../../effects\n')
  const end = await other.goOn({ step: 'install', script: '1 gone', changed: true })
  assert.equal(end?.failure?.step, 'post_install')
  assert.equal(other.effects, '')
})

test('a new agent is placed from what was signed, under the name that was signed, or not at all', async t => {
  const agent = '#!/bin/sh\nexit 0 # sound\n'
  for (const isChanged of [false, true]) {
    const root = tempDir(t)
    const key = testKey()
    const made = new Scene(root, key, { publicKeys: [key.text], requireSignature: true })
    const slot = new AgentSlot({ executable: join(root, 'agent'), clock: systemClock })
    const more = [...files, { name: 'new-agent', content: agent, mode: 0o100755 }]
    const path = await writeSigned(root, 'p.zip', { ...manifest, agent: 'new-agent' }, [key], more)
    assert.equal((await made.door.open(path, { slot })).error, undefined)
    if (isChanged) writeFileSync(made.at('new-agent'), '#!/bin/sh\nexit 0 # evil\n')
    const { manifest: forged } = parseManifest(JSON.stringify({ ...manifest, agent: 'say.sh' }))
    let handed = 0
    const handOver = () => void handed++
    const end = await made.goOn({ step: 'agent', manifest: forged, changed: true }, { slot, handOver })
    if (isChanged) {
      assert.equal(end?.failure?.step, 'agent')
      assert.ok(!existsSync(slot.candidate))
    } else assert.equal(readFileSync(slot.candidate, 'utf8'), agent, made.log)
    assert.equal(handed, isChanged ? 0 : 1)
  }
})

test('what cannot be remembered where signatures are required has failed and is undone; elsewhere it is told', async t => {
  for (const requireSignature of [true, false]) {
    const made = await scene(t, requireSignature, { post_install: 'echo damage >../ota/releases.json' })
    const { manifest: parsed } = parseManifest(
      JSON.stringify({ ...manifest, post_install: 'echo damage >../ota/releases.json' }),
    )
    const end = await made.goOn({ manifest: parsed })
    assert.equal(made.effects, requireSignature ? 'pre,install,undo' : 'pre,install')
    assert.match(made.log, /what was installed cannot be remembered/)
    if (requireSignature)
      assert.match(end?.failure?.text ?? '', /what was installed cannot be remembered: .*releases\.json/)
    else assert.equal(end?.failure, undefined)
  }
})

test('a key is revoked when the update is over, and not by one that fails', async t => {
  for (const fails of [false, true]) {
    const root = tempDir(t)
    const [key, old] = [testKey(), testKey()]
    const made = new Scene(root, key, { publicKeys: [key.text, old.text], requireSignature: true })
    const own = { ...manifest, ...(fails ? { install: 'exit 1' } : {}), revokes: [old.text] }
    const { manifest: opened } = await made.door.takes(await writeSigned(root, 'p.zip', own, [key], files))
    assert.equal(opened.revokes?.length, 1)
    const end = await made.goOn({ manifest: opened })
    assert.equal(end?.failure === undefined, !fails)
    const { revoked, names } = await made.door.signed.read()
    assert.deepEqual([revoked.length, names.length], fails ? [0, 0] : [1, 1])
  }
})
