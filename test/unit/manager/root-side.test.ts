// SPDX-License-Identifier: Apache-2.0
/** What a manager that is not root asks of root, and what it makes of the answer. */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../../src/base/clock.ts'
import { AgentError, type ErrorCode } from '../../../src/base/errors.ts'
import { letRoot, type RootInstaller } from '../../../src/manager/ota/by-root.ts'
import { firstState, maxTries, nextState, resume, type UpdateState } from '../../../src/manager/ota/state/index.ts'
import { type RootConfig, rootConfigText } from '../../../src/manager/root/root-config.ts'
import { parseRootRequest, requestFileName } from '../../../src/manager/root/root-request.ts'
import { type RootResult, RootResults } from '../../../src/manager/root/root-results.ts'
import { hasRootSide, RootSide, type RootSideParts, untilDown } from '../../../src/manager/root/root-side.ts'
import { readBootId } from '../../../src/platform/system/system-facts.ts'
import { Status } from '../../../src/protocol/status.ts'
import { eventually } from '../../helpers/eventually.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { memoryLog } from '../../helpers/memory-log.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const environment = { DEVICE_CLOUD_ROOT_SIDE: '1' }

interface Scene {
  readonly parts: RootSideParts
  readonly config: RootConfig
  readonly ended: string[]
  readonly results: RootResults
}

function scene(t: TestContext, more: Partial<RootConfig> = {}): Scene {
  const folder = tempDir(t)
  const config: RootConfig = {
    user: 'cloud',
    stateDir: folder,
    workDir: join(folder, 'root'),
    steps: ['reboot', 'shutdown'],
    publicKeys: [],
    names: [],
    extraParams: false,
    ...more,
  }
  const configPath = join(folder, 'root.cfg')
  writeFileSync(configPath, rootConfigText(config))
  for (const name of ['root/results', 'sbin']) mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, 'sbin/reboot'), '#!/bin/sh\n', { mode: 0o755 })
  const ended: string[] = []
  const powerOptions = { userId: 1234, root: folder }
  const parts = { environment, runtimeDir: folder, end: () => void ended.push('root'), log: memoryLog().log }
  const rootIdentity = { userId: process.getuid?.() ?? 0, groupId: process.getgid?.() ?? 0, unmappedId: undefined }
  return {
    parts: { ...parts, configPath, powerOptions, rootIdentity, userName: 'cloud' },
    config,
    ended,
    results: new RootResults(config.workDir),
  }
}

async function opened(s: Scene): Promise<RootSide> {
  const side = await RootSide.open(s.parts)
  assert.ok(side)
  return side
}

function refusal(code: ErrorCode, words: RegExp) {
  return (error: unknown) => error instanceof AgentError && error.code === code && words.test(error.message)
}

async function result(more: Partial<RootResult>): Promise<RootResult> {
  const bootId = (await readBootId()) ?? ''
  const known = { id: '1', step: 'reboot', state: 'ordered', status: Status.Success, text: '', bootId } as const
  return { ...known, monotonicMs: systemClock.monotonicMs(), ...more }
}

test('only a manager that is not root, and whose supervisor does its part, asks root', async t => {
  assert.equal(hasRootSide(environment, 1234), true)
  assert.equal(hasRootSide(environment, 0), false)
  assert.equal(hasRootSide({}, 1234), false)
  assert.equal(await RootSide.open({ ...scene(t).parts, environment: {} }), undefined)
})

test('asks for a reboot by a request of its own words only, and ends', async t => {
  const s = scene(t)
  const side = await opened(s)
  await side.power('reboot', '1')
  assert.deepEqual(s.ended, ['root'])
  const path = join(s.config.stateDir, requestFileName)
  assert.deepEqual(parseRootRequest(readFileSync(path, 'utf8')), {
    id: '1',
    step: 'reboot',
    bootId: await readBootId(),
  })
})

test('says before the answer what root would not do, and names the setting', async t => {
  const s = scene(t, { steps: [] })
  const side = await opened(s)
  await assert.rejects(
    side.checkPower('reboot'),
    refusal('NOT_SUPPORTED', /"steps" in .*root\.cfg does not name reboot/),
  )
  const broken = scene(t)
  writeFileSync(broken.parts.configPath ?? '', '{"steps":"all"}')
  await assert.rejects((await opened(broken)).checkPower('reboot'), refusal('NOT_SUPPORTED', /"user" must name a user/))
  const gone = await opened({ ...s, parts: { ...s.parts, configPath: join(s.config.stateDir, 'no') } })
  assert.match(gone.refusal('install') ?? '', /does not exist/)
  const elsewhere = await opened({ ...s, parts: { ...s.parts, runtimeDir: '/elsewhere' } })
  assert.match(elsewhere.refusal('reboot') ?? '', /runtime_dir is \/elsewhere, and "state_dir"/)
  const stranger = await opened({ ...s, parts: { ...s.parts, userName: 'klaud' } })
  assert.match(stranger.refusal('reboot') ?? '', /the agent runs as klaud, and "user" in \S+ is cloud$/)
  // The program that would do it is looked for as well.
  await assert.rejects((await opened(scene(t))).checkPower('shutdown'), refusal('NOT_SUPPORTED', /none of poweroff/))
})

test('what the owner changes in the settings of root counts from the next call on', async t => {
  const s = scene(t)
  const { configPath = '' } = s.parts
  const side = await opened(s)
  await side.checkPower('reboot')
  const right = readFileSync(configPath, 'utf8')
  writeFileSync(configPath, right.replace('"steps"', '"step"'))
  await assert.rejects(side.checkPower('reboot'), refusal('NOT_SUPPORTED', /"step" is unknown/))
  assert.match(side.mistake ?? '', /"step" is unknown/)
  writeFileSync(configPath, right)
  chmodSync(configPath, 0o666)
  await assert.rejects(
    side.checkPower('reboot'),
    refusal('NOT_SUPPORTED', /every user.* Run: chmod go-w \S+root\.cfg$/),
  )
  chmodSync(configPath, 0o644)
  await side.checkPower('reboot')
  assert.equal(side.mistake, undefined)
})

test('tells what became of a reboot that did not come, once', async t => {
  const cases: readonly [Partial<RootResult> | undefined, RegExp][] = [
    [{ state: 'failed', text: 'out of luck' }, /^reboot failed: out of luck$/],
    [{}, /^reboot failed: root has ordered it, and the machine still runs$/],
    [undefined, /^reboot failed: the supervisor of the service did not do it/],
  ]
  for (const [more, words] of cases) {
    const s = scene(t)
    await (await opened(s)).power('reboot', '1')
    if (more !== undefined) await s.results.write(await result(more))
    const next = await opened(s)
    assert.match((await next.settle()) ?? '', words)
    assert.equal(await next.settle(), undefined)
    // What root did not take must not be found later.
    if (more === undefined) assert.equal(existsSync(join(s.config.stateDir, requestFileName)), false)
  }
})

test('a reboot that came needs no word', async t => {
  const s = scene(t)
  const note = { id: '1', step: 'reboot', boot_id: 'another run' }
  writeFileSync(join(s.config.stateDir, 'root-asked.json'), JSON.stringify(note))
  assert.equal(await (await opened(s)).settle(), undefined)
})

test('a manager that is started while the machine goes down waits for that, and not for ever', async t => {
  const s = scene(t)
  await (await opened(s)).power('reboot', '1')
  const clock = new FakeClock()
  await s.results.write(await result({ monotonicMs: clock.monotonicMs() }))
  const waits: number[] = []
  const parts = {
    environment,
    clock,
    signal: new AbortController().signal,
    onWait: (ms: number) => void waits.push(ms),
  }
  const down = untilDown({ ...parts, userId: 1234, ...configOf(s) })
  await eventually('the wait', () => clock.timers > 0)
  await clock.advance(120_000)
  await down
  assert.deepEqual(waits, [120_000])
  await untilDown({ ...parts, userId: 1234, ...configOf(s) })
  assert.equal(waits.length, 1)
})

function configOf(s: Scene): { configPath: string } {
  return { configPath: s.parts.configPath ?? '' }
}

const order = {
  id: '7',
  from: 'cloud',
  package: 'p.zip',
  timeoutS: 1,
  extraParams: '',
  logName: 'l',
  byRoot: true,
} as const

test('an update that root installs goes from the download to root, and from there to the answer', () => {
  const state = nextState(firstState(order, 'b'), { kind: 'done' }, 'b')
  assert.equal(state.step, 'root')
  assert.equal(nextState(state, { kind: 'done' }, 'b').step, 'report')
  const failed = nextState(state, { kind: 'failed', status: 19, text: 'no' }, 'b')
  assert.deepEqual([failed.step, failed.failure?.text], ['report', 'no'])
  const found = resume({ ...state, tries: maxTries }, { bootId: 'c' })
  assert.equal(found.kind === 'continue' && found.state.tries, maxTries + 1)
})

class FakeRoot implements RootInstaller {
  readonly said: string[] = []
  known: { status: Status; text: string } | undefined
  busy = false
  result = async () => this.known
  isBusy = async () => this.busy
  leave = async ({ path }: { path: string }) => void this.said.push(`leave ${path}`)
  withdraw = async () => void this.said.push('withdraw')
  end = () => void this.said.push('end')
  logPath = () => undefined
}

test('asks, ends, and takes the result; what is never taken fails at last', async () => {
  const state: UpdateState = { ...firstState(order, 'b'), step: 'root' }
  const root = new FakeRoot()
  const stopping = new AbortController()
  const parts = { root, clock: new FakeClock() }
  const waiting = letRoot(state, '/d/p.zip', parts, stopping.signal)
  stopping.abort(new AgentError('CLOSED', 'The agent ends.'))
  await assert.rejects(waiting, refusal('CLOSED', /ends/))
  assert.deepEqual(root.said, ['leave /d/p.zip', 'end'])
  const { signal } = new AbortController()
  const lost = await letRoot({ ...state, tries: maxTries }, '/d/p.zip', parts, signal)
  assert.match(lost.kind === 'failed' ? lost.text : '', /did not take it 5 times/)
  root.known = { status: Status.NoPermission, text: 'not signed' }
  assert.deepEqual(await letRoot(state, '/d/p.zip', parts, signal), { kind: 'failed', ...root.known })
  root.known = { status: Status.Success, text: '' }
  assert.deepEqual(await letRoot(state, '/d/p.zip', parts, signal), { kind: 'done' })
  await assert.rejects(
    letRoot(state, '/d/p.zip', { ...parts, root: undefined }, signal),
    refusal('NOT_SUPPORTED', /as root/),
  )
})
