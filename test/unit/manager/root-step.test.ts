// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../../src/base/clock.ts'
import { AgentError, type ErrorCode } from '../../../src/base/errors.ts'
import type { RootConfig } from '../../../src/manager/root/root-config.ts'
import { rootStep } from '../../../src/manager/root/root-step.ts'
import { Status } from '../../../src/protocol/status.ts'
import { needsRoot } from '../../helpers/as-root.ts'
import { memoryLog } from '../../helpers/memory-log.ts'
import { managerUser, RootScene } from '../../helpers/root-scene.ts'

interface RunOptions {
  readonly powerOnly?: boolean
  readonly patienceMs?: number
  readonly signal?: AbortSignal
}

async function run(scene: RootScene, options: RunOptions = {}): Promise<string> {
  const log = memoryLog()
  await rootStep({
    powerOnly: false,
    patienceMs: 60_000,
    signal: new AbortController().signal,
    ...options,
    clock: systemClock,
    log: log.log,
    configPath: scene.configPath,
    powerOptions: scene.powerOptions,
  })
  return log.text()
}

function refusal(code: ErrorCode, words: RegExp) {
  return (error: unknown) => error instanceof AgentError && error.code === code && words.test(error.message)
}

test('reboots and shuts down once, as root, and says so', needsRoot, async t => {
  const scene = RootScene.make(t)
  await scene.askForPower('1')
  await run(scene)
  await run(scene)
  assert.deepEqual(scene.lines('down'), ['reboot 0'])
  assert.equal((await scene.result('1'))?.state, 'ordered')
  await scene.askForPower('2', 'shutdown')
  await run(scene, { powerOnly: true })
  assert.deepEqual(scene.lines('down'), ['reboot 0', 'poweroff 0'])
  // The same call once more, by a manager that lost its journal or one that is not ours.
  await scene.askForPower('2', 'shutdown')
  assert.match(await run(scene), /was done before, and is not done again/)
  assert.deepEqual(scene.lines('down'), ['reboot 0', 'poweroff 0'])
  assert.equal(existsSync(scene.requestPath), false)
})

test('a reboot that was asked for before the machine went down is not done after it', needsRoot, async t => {
  const scene = RootScene.make(t)
  scene.ask({ id: '1', step: 'reboot', bootId: 'another run' })
  assert.match(await run(scene), /holds no more/)
  assert.deepEqual(scene.lines('down'), [])
  assert.equal(existsSync(scene.requestPath), false)
})

test('a reboot that fails is told', needsRoot, async t => {
  const scene = RootScene.make(t)
  writeFileSync(join(scene.folder, 'sbin/reboot'), '#!/bin/sh\necho out of luck >&2; exit 3\n')
  await scene.askForPower('1')
  await run(scene)
  const result = await scene.result('1')
  assert.equal(result?.state, 'failed')
  assert.match(result?.text ?? '', /exit code 3: out of luck/)
})

test('installs a signed package as root, once, and leaves result and log to the manager', needsRoot, async t => {
  // That of the service.
  const before = process.umask(0o027)
  t.after(() => process.umask(before))
  const scene = RootScene.make(t)
  const request = await scene.package('1', {
    install: `echo $(id -u) $(umask) >>${scene.folder}/effect; echo said by the script`,
    error_action: 'true',
  })
  scene.ask(request)
  await run(scene, { powerOnly: true })
  assert.equal(await scene.result('1'), undefined, 'what may take long is for the start')
  await run(scene)
  assert.deepEqual(scene.lines('effect'), ['0 0022'])
  const result = await scene.result('1')
  assert.deepEqual([result?.state, result?.status], ['done', Status.Success])
  scene.ask(request)
  await run(scene)
  assert.equal(scene.lines('effect').length, 1)
  const results = join(scene.folder, 'root/results')
  const log = readdirSync(results).find(name => name.endsWith('.log')) ?? ''
  assert.deepEqual(scene.lines(`root/results/${log}`), ['said by the script'])
  for (const name of readdirSync(results)) {
    const { uid, gid, mode } = statSync(join(results, name))
    assert.deepEqual([uid, gid, mode & 0o777], [0, managerUser.id, 0o640], name)
  }
  assert.equal(statSync(join(scene.folder, 'root/install')).mode & 0o777, 0o700)
})

test('refuses a package that is not signed, or signed by somebody else', needsRoot, async t => {
  const scene = RootScene.make(t)
  const manifest = { install: `echo ran >>${scene.folder}/effect`, error_action: 'true' }
  scene.ask(await scene.package('1', manifest, { signed: false }))
  await run(scene)
  assert.deepEqual([(await scene.result('1'))?.status, scene.lines('effect')], [Status.NoPermission, []])
  const other = RootScene.make(t)
  const { sha256, ...request } = await other.package('2', manifest)
  const bytes = join(other.folder, 'packed-2.tar.gz')
  spawnSync('cp', [bytes, join(scene.folder, 'state/download/p2.tar.gz')])
  chownSync(join(scene.folder, 'state/download/p2.tar.gz'), managerUser.id, managerUser.id)
  scene.ask({ ...request, sha256 })
  await run(scene)
  const result = await scene.result('2')
  assert.equal(result?.status, Status.NoPermission)
  assert.match(result?.text ?? '', /is signed with key [0-9a-f]{16}, and ota\.public_keys names [0-9a-f]{16}$/)
  assert.deepEqual(scene.lines('effect'), [])
})

test('a package that was swapped after it was asked for is refused', needsRoot, async t => {
  const scene = RootScene.make(t)
  const first = await scene.package('1', { install: `echo first >>${scene.folder}/effect`, error_action: 'true' })
  const second = await scene.package('2', { install: `echo second >>${scene.folder}/effect`, error_action: 'true' })
  renameSync(join(scene.folder, 'state/download', second.package), join(scene.folder, 'state/download', first.package))
  scene.ask(first)
  await run(scene)
  assert.match((await scene.result('1'))?.text ?? '', /sum differs/)
  assert.deepEqual(scene.lines('effect'), [])
})

test('a package that would replace the agent says how that is done', needsRoot, async t => {
  const scene = RootScene.make(t)
  const request = await scene.package('1', {
    install: 'true',
    agent: 'update.json',
    error_action: 'true',
    health_check: { timeout: 60 },
  })
  scene.ask(request)
  await run(scene)
  const result = await scene.result('1')
  assert.equal(result?.state, 'failed')
  assert.match(result?.text ?? '', /replaces the agent.*as root/)
})

const admissions: readonly [what: string, rules: Partial<RootConfig>, more: object, words: RegExp][] = [
  ['without a release', {}, { release: undefined }, /release/],
  ['of another name than its names', { names: ['other'] }, {}, /name/],
  ['for other devices', { deviceId: 'device-1' }, { devices: ['device-2'] }, /this device is device-1/],
  ['for devices, where none is named', {}, { devices: ['device-1'] }, /"device_id" in .*root\.cfg does not say/],
]
for (const [what, rules, more, words] of admissions)
  test(`a signed package ${what} is refused by root`, needsRoot, async t => {
    const scene = RootScene.make(t, rules)
    const manifest = { name: 'app', release: 1, install: `echo ran >>${scene.folder}/effect`, error_action: 'true' }
    scene.ask(await scene.package('1', { ...manifest, ...more }))
    await run(scene)
    const result = await scene.result('1')
    assert.equal(result?.status, Status.NoPermission, result?.text)
    assert.match(result?.text ?? '', words)
    assert.deepEqual(scene.lines('effect'), [])
  })

test('a signed package of a name that root knows, for this device, is installed by root', needsRoot, async t => {
  const scene = RootScene.make(t, { names: ['app'], deviceId: 'device-1' })
  const manifest = { name: 'app', release: 1, devices: ['device-1'], install: `echo ran >>${scene.folder}/effect` }
  scene.ask(await scene.package('1', { ...manifest, error_action: 'true' }))
  await run(scene)
  assert.equal((await scene.result('1'))?.state, 'done')
  assert.deepEqual(scene.lines('effect'), ['ran'])
})

const closed: readonly [what: string, ask: (scene: RootScene) => Promise<void>, words: RegExp][] = [
  ['reboot', scene => scene.askForPower('1'), /"steps" in .* does not name it/],
  ['shutdown', scene => scene.askForPower('1', 'shutdown'), /"steps" in .* does not name it/],
  [
    'install',
    async scene => scene.ask(await scene.package('1', { install: 'true', error_action: 'true' })),
    /"steps" in/,
  ],
]
for (const [what, ask, words] of closed)
  test(`${what} is refused where the file for root does not name it`, needsRoot, async t => {
    const steps = (['reboot', 'shutdown', 'install'] as const).filter(step => step !== what)
    const scene = RootScene.make(t, { steps })
    await ask(scene)
    await run(scene)
    const result = await scene.result('1')
    assert.equal(result?.status, Status.NoPermission)
    assert.match(result?.text ?? '', words)
    assert.deepEqual(scene.lines('down'), [])
    assert.equal(existsSync(scene.requestPath), false)
  })

test('extra_params reach a script of root only where the owner wants it', needsRoot, async t => {
  for (const extraParams of [false, true]) {
    const scene = RootScene.make(t, { extraParams })
    const manifest = { install: `echo "$HDC_EXTRA_PARAMS" >>${scene.folder}/effect`, error_action: 'true' }
    scene.ask({ ...(await scene.package('1', manifest)), extraParams: 'a b' })
    await run(scene)
    assert.deepEqual(scene.lines('effect'), extraParams ? ['a b'] : [])
    assert.match((await scene.result('1'))?.text ?? '', extraParams ? /^$/ : /"extra_params" in .* is true/)
  }
})

const requests: readonly [what: string, plant: (scene: RootScene, path: string) => void][] = [
  ['a link to a file of root', (scene, path) => symlinkSync(join(scene.folder, 'root-request'), path)],
  ['a second name of a file of root', (scene, path) => linkSync(join(scene.folder, 'root-request'), path)],
  ['a FIFO', (_, path) => void spawnSync('mkfifo', [path])],
  ['a folder', (_, path) => mkdirSync(path)],
  [
    'a file of another user',
    (scene, path) => {
      scene.ask('{}')
      chownSync(path, 4711, 4711)
    },
  ],
  [
    'a huge file',
    (scene, path) => {
      scene.ask('')
      truncateSync(path, 10 ** 11)
    },
  ],
  ['a text', scene => scene.ask('reboot')],
  ['a step with a command', scene => scene.ask('{"version":1,"id":"1","step":"reboot","boot_id":"b","command":"id"}')],
]
for (const [what, plant] of requests)
  test(`${what} is no request: nothing is done, and it goes`, needsRoot, async t => {
    const scene = RootScene.make(t)
    // What it would do if it counted.
    await scene.askForPower('1')
    renameSync(scene.requestPath, join(scene.folder, 'root-request'))
    chownSync(join(scene.folder, 'root-request'), 0, 0)
    plant(scene, scene.requestPath)
    assert.match(await run(scene), /malformed request for a step of root, removed/)
    assert.deepEqual(scene.lines('down'), [])
    assert.equal(existsSync(scene.requestPath), false)
    assert.ok(existsSync(join(scene.folder, 'root-request')), 'what it led to stays')
  })

const packages: readonly [what: string, plant: (path: string, scene: RootScene) => void, words: RegExp][] = [
  [
    'a link',
    (path, scene) => symlinkSync(join(scene.folder, 'packed-1.tar.gz'), path),
    /a link, or not a regular file/,
  ],
  ['a second name', (path, scene) => linkSync(join(scene.folder, 'packed-1.tar.gz'), path), /belongs to uid 0/],
  ['a FIFO', path => void spawnSync('mkfifo', [path]), /not a regular file/],
  ['gone', () => {}, /There is no package/],
]
for (const [what, plant, words] of packages)
  test(`a package that is ${what} is not installed`, needsRoot, async t => {
    const scene = RootScene.make(t)
    const request = await scene.package('1', { install: `echo ran >>${scene.folder}/effect`, error_action: 'true' })
    const path = join(scene.folder, 'state/download', request.package)
    rmSync(path)
    plant(path, scene)
    scene.ask(request)
    await run(scene)
    assert.match((await scene.result('1'))?.text ?? '', words)
    assert.deepEqual(scene.lines('effect'), [])
  })

test('a download folder that is a link is refused', needsRoot, async t => {
  const scene = RootScene.make(t)
  const request = await scene.package('1', { install: `echo ran >>${scene.folder}/effect`, error_action: 'true' })
  renameSync(join(scene.folder, 'state/download'), join(scene.folder, 'elsewhere'))
  symlinkSync(join(scene.folder, 'elsewhere'), join(scene.folder, 'state/download'))
  scene.ask(request)
  await run(scene)
  assert.match((await scene.result('1'))?.text ?? '', /a link, or not a folder/)
  assert.deepEqual(scene.lines('effect'), [])
})

const weak: readonly [what: string, weaken: (scene: RootScene) => void, words: RegExp][] = [
  ['a file that another user owns', ({ configPath }) => chownSync(configPath, 4711, 4711), /belongs to .*chown root/s],
  ['a file that everybody may write', ({ configPath }) => chmodSync(configPath, 0o666), /every user.*chmod go-w/s],
  ['a folder that another user owns', ({ folder }) => chownSync(folder, 4711, 4711), /belongs to .*chown root/s],
]
for (const [what, weaken, words] of weak)
  test(`root believes nothing in ${what}`, needsRoot, async t => {
    const scene = RootScene.make(t)
    await scene.askForPower('1')
    weaken(scene)
    await assert.rejects(run(scene), refusal('POLICY_REFUSED', words))
    assert.deepEqual(scene.lines('down'), [])
  })

test('a folder of root that another user has made is refused', needsRoot, async t => {
  const scene = RootScene.make(t)
  mkdirSync(scene.config.workDir)
  chownSync(scene.config.workDir, managerUser.id, managerUser.id)
  await scene.askForPower('1')
  await assert.rejects(run(scene), refusal('POLICY_REFUSED', /belongs to/))
  assert.deepEqual(scene.lines('down'), [])
})

test(
  'an installation that is told to end is finished by the next run, without running its script again',
  needsRoot,
  async t => {
    const scene = RootScene.make(t)
    scene.ask(await scene.package('1', { install: waits(scene), error_action: 'true' }))
    await stopped(scene)
    assert.equal(await scene.result('1'), undefined)
    // A script may wait for the manager to be started, which waits for this.
    await run(scene, { patienceMs: 100 })
    assert.equal(await scene.result('1'), undefined)
    writeFileSync(join(scene.folder, 'go'), '')
    await run(scene)
    assert.deepEqual(scene.lines('effect'), ['begun', 'ended'])
    assert.equal((await scene.result('1'))?.state, 'done')
  },
)

/** A script that ends when the test wants it to. */
function waits({ folder }: RootScene): string {
  return `echo begun >>${folder}/effect; until [ -e ${folder}/go ]; do sleep 0.05; done; echo ended >>${folder}/effect`
}

/** Runs it until its script has begun, and tells it to end. */
async function stopped(scene: RootScene): Promise<void> {
  const stopping = new AbortController()
  const look = setInterval(() => {
    if (scene.lines('effect').length > 0) stopping.abort()
  }, 20)
  try {
    await run(scene, { signal: stopping.signal })
  } finally {
    clearInterval(look)
  }
}

test('old results go, and what is asked for after them is done all the same', needsRoot, async (t: TestContext) => {
  const scene = RootScene.make(t)
  for (let id = 0; id < 20; id++) {
    await scene.askForPower(String(id))
    await run(scene)
  }
  assert.equal(scene.lines('down').length, 20)
  assert.equal(readdirSync(join(scene.folder, 'root/results')).length, 16)
})
