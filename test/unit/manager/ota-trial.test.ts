// SPDX-License-Identifier: Apache-2.0
/** The trial of a new executable, with shell scripts in its place. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { UpdateState } from '../../../src/manager/ota/state/index.ts'
import { updatePlaces } from '../../../src/manager/ota/state/places.ts'
import { AgentSlot } from '../../../src/manager/ota/trial/agent-slot.ts'
import { maxStarts, runTrial } from '../../../src/manager/ota/trial/trial.ts'
import { processIdentity } from '../../../src/platform/process/process-identity.ts'
import { needsRoot, stranger } from '../../helpers/as-root.ts'
import { eventually } from '../../helpers/eventually.ts'
import { hastyClock } from '../../helpers/hasty-device.ts'
import { memoryLog } from '../../helpers/memory-log.ts'
import { tempDir } from '../../helpers/temp-dir.ts'
import { type Left, leaveUpdate, onTrial, updateJournal } from '../../helpers/update-journals.ts'

interface Scene {
  readonly folder: string
  readonly executable: string
  readonly state: () => Promise<UpdateState | undefined>
  readonly run: (signal?: AbortSignal) => ReturnType<typeof runTrial>
  readonly starts: () => number
}

/** A device with an update that was `left`, and `script` as the new executable. */
async function scene(
  t: TestContext,
  script: string,
  left: Left,
  /** How many times faster than the real one its clock goes. */
  times = 20,
): Promise<Scene> {
  const folder = tempDir(t)
  const executable = join(folder, 'agent')
  const program = (path: string, text: string) => {
    writeFileSync(path, text)
    chmodSync(path, 0o755)
  }
  program(executable, '#!/bin/sh\necho old\n')
  program(`${executable}.new`, script)
  const runtimeDir = join(folder, 'runtime')
  mkdirSync(runtimeDir)
  const clock = hastyClock(times)
  const { log } = memoryLog(clock)
  await leaveUpdate(runtimeDir, left)
  const slot = new AgentSlot({ executable, clock })
  const starts = join(folder, 'starts')
  return {
    folder,
    executable,
    state: () => updateJournal(runtimeDir).last(),
    run: (signal = new AbortController().signal) =>
      runTrial({ slot, runtimeDir, args: [folder], clock, log, signal, onBegin: () => {}, onReload: () => {} }),
    starts: () => (existsSync(starts) ? readFileSync(starts, 'utf8').length : 0),
  }
}

function sleeping(t: TestContext): ChildProcess {
  const child = spawn('/bin/sleep', ['1000'], { stdio: 'ignore' })
  t.after(() => void child.kill('SIGKILL'))
  return child
}

const counts = '#!/bin/sh\nprintf x >>"$1/starts"\n'
/** Waits until its watcher has written down which process it is. */
const isKnown = 'until grep -q mark "$1/runtime/ota/trial.json"; do sleep 0.01; done\n'

test('a new executable that hangs is ended, and the old one goes on with the failure', async t => {
  const { run, state, starts } = await scene(t, `${counts}exec sleep 1000\n`, onTrial, 2_000)
  assert.equal(await run(), 'old')
  const { step, failure } = (await state()) ?? {}
  assert.deepEqual([step, failure?.step, starts()], ['error_action', 'agent', 1])
  assert.match(failure?.text ?? '', /it had no result in time/)
})

test('one that ends again and again is given up, whatever its exit code', async t => {
  const { run, state, starts } = await scene(t, `${counts}echo why >&2\nexit 0\n`, onTrial)
  assert.equal(await run(), 'old')
  assert.equal(starts(), maxStarts)
  assert.match((await state())?.failure?.text ?? '', /ended 3 times .*the last time with exit code 0: why/)
})

test('one that cannot even be started is given up', async t => {
  const { run, state, executable } = await scene(t, '', { ...onTrial, step: 'health' })
  writeFileSync(`${executable}.new`, Buffer.from('\u007fELF of another machine', 'latin1'))
  assert.equal(await run(), 'old')
  assert.match((await state())?.failure?.text ?? '', /ended 3 times/)
})

test('told to end, it ends the new executable in good order, and that counts for nothing', async t => {
  const script = `${counts}read -r line\nprintf ended >"$1/end"\n`
  const { run, state, starts, folder } = await scene(t, script, onTrial, 1)
  for (let round = 1; round <= maxStarts + 2; round++) {
    const stop = new AbortController()
    const trial = run(stop.signal)
    await eventually('a start', () => starts() === round)
    stop.abort()
    assert.equal(await trial, 'end')
    assert.equal(readFileSync(join(folder, 'end'), 'utf8'), 'ended')
  }
  assert.equal((await state())?.step, 'agent')
})

test('a second watcher is refused, and does nothing to the trial', async t => {
  const { run, state, starts, folder } = await scene(t, `${counts}exit 1\n`, onTrial)
  const other = sleeping(t)
  writeFileSync(updatePlaces(join(folder, 'runtime')).trialLock, `${await processIdentity(other.pid ?? 0)}\n`)
  await assert.rejects(run(), { code: 'ALREADY_RUNNING', message: /watches the trial run of a new agent: Process \d+/ })
  assert.deepEqual([(await state())?.step, starts()], ['agent', 0])
})

test('where nothing can be written down, the old one continues', async t => {
  const { run, starts, folder } = await scene(t, `${counts}exit 1\n`, onTrial)
  mkdirSync(join(folder, 'runtime/ota/trial.json'))
  assert.equal(await run(), 'old')
  assert.equal(starts(), 0)
})

test('a journal that cannot be read leaves the device with its old agent', async t => {
  const { run, starts, folder } = await scene(t, `${counts}exit 1\n`, onTrial)
  const journal = join(folder, 'runtime/ota/update.journal')
  rmSync(journal)
  mkdirSync(journal)
  assert.equal(await run(), 'old')
  assert.equal(starts(), 0)
})

test('an update that nobody knows of any more is no trial; only a device that is decommissioned has no agent then', async t => {
  const rots = await scene(t, `${counts}printf rot >"$1/runtime/ota/update.journal"\n`, onTrial)
  assert.equal(await rots.run(), 'old')
  const decommissioned = await scene(t, `${counts}${isKnown}rm -r "$1/runtime"\n`, onTrial)
  assert.equal(await decommissioned.run(), 'end')
  for (const { starts, executable } of [rots, decommissioned])
    assert.deepEqual([starts(), existsSync(`${executable}.new`)], [1, false])
})

test('what has proven itself is put in place, once and also after a power cut in between', async t => {
  const { run, executable } = await scene(t, '#!/bin/sh\necho new\n', { step: 'adopt' })
  assert.equal(await run(), 'new')
  assert.equal(readFileSync(executable, 'utf8'), '#!/bin/sh\necho new\n')
  assert.ok(!existsSync(`${executable}.new`))
  // The machine went down behind the change of names: now it is the new one that looks.
  assert.equal(await run(), 'old')
})

test('in every other step a new executable beside the old one is no trial', async t => {
  for (const step of ['download', 'install', 'agent', 'error_action', 'report', 'done'] as const) {
    const { run, starts } = await scene(t, `${counts}`, { step })
    assert.equal(await run(), 'old', step)
    assert.equal(starts(), 0, step)
  }
})

test('the new executable is told in which version it is spoken to', async t => {
  for (const trial of [undefined, 2]) {
    const script = `#!/bin/sh\nprintf %s "$DEVICE_CLOUD_ON_TRIAL" >"$1/version"\n`
    const { run, folder } = await scene(t, script, { ...onTrial, ...(trial === undefined ? {} : { trial }) }, 1_000)
    await run()
    assert.equal(readFileSync(join(folder, 'version'), 'utf8'), String(trial ?? 1))
  }
})

test('one that knows no trial, goes on as the manager and tells of its success, is the one that stays', async t => {
  // What it writes instead of ending at its verdict.
  const over = tempDir(t)
  await leaveUpdate(over, { step: 'done' })
  const tells = `${counts}cp '${updatePlaces(over).stateFolder}/update.journal' "$1/runtime/ota/"\n`
  const ends: readonly (readonly [how: string, script: string])[] = [
    ['by itself', `${tells}exit 0\n`],
    ['never', `${tells}exec sleep 1000\n`],
    ['when it is told to', `${tells}read -r line\n`],
  ]
  for (const [how, script] of ends) {
    const { run, executable, starts, folder } = await scene(t, script, onTrial, how === 'never' ? 2_000 : 20)
    const stop = new AbortController()
    const trial = run(stop.signal)
    if (how === 'when it is told to') {
      await eventually('its start', () => starts() === 1)
      await eventually('its word', async () => (await updateJournal(join(folder, 'runtime')).last())?.step === 'done')
      stop.abort()
    }
    assert.equal(await trial, 'new', how)
    assert.equal(readFileSync(executable, 'utf8'), script, how)
    assert.equal(starts(), 1)
  }
})

test('also after a power cut, and not when the update that it brought is another one', async t => {
  for (const id of ['mail-1', 'mail-0']) {
    const { run, executable, folder } = await scene(t, '#!/bin/sh\necho new\n', { step: 'finish' })
    writeFileSync(join(folder, 'runtime/ota/trial.json'), JSON.stringify({ id, starts: 1 }))
    assert.equal(await run(), id === 'mail-1' ? 'new' : 'old')
    assert.match(readFileSync(executable, 'utf8'), id === 'mail-1' ? /echo new/ : /echo old/)
  }
})

test('a process that outlived its watcher is ended before the next one is started', async t => {
  const { run, folder, starts } = await scene(t, `${counts}exit 1\n`, onTrial, 100)
  const left = sleeping(t)
  const record = { id: 'mail-1', starts: 1, mark: await processIdentity(left.pid ?? 0) }
  writeFileSync(join(folder, 'runtime/ota/trial.json'), JSON.stringify(record))
  assert.equal(await run(), 'old')
  assert.equal(left.signalCode, 'SIGKILL')
  assert.equal(starts(), maxStarts - 1)
})

test('a new executable, or a journal, that another user could have put there is not started', needsRoot, async t => {
  const { folder, executable, run, state, starts } = await scene(t, `#!/bin/sh\nprintf x >>"$2/starts"\n`, onTrial)
  const runtimeDir = join(folder, 'runtime')
  for (const path of [`${executable}.new`, runtimeDir, updatePlaces(runtimeDir).stateFolder, folder]) {
    chownSync(path, stranger, stranger)
    assert.equal(await run(), 'old', path)
    chownSync(path, 0, 0)
  }
  chmodSync(folder, 0o777)
  assert.equal(await run(), 'old')
  chmodSync(folder, 0o755)
  assert.equal(starts(), 0)
  assert.equal((await state())?.step, 'agent', 'it is left as it was')
  assert.ok(existsSync(`${executable}.new`))
  const slot = new AgentSlot({ executable, clock: hastyClock(20) })
  await slot.checkRoom(1, 1, folder)
  chownSync(folder, stranger, stranger)
  await assert.rejects(slot.checkRoom(1, 1, folder), { code: 'POLICY_REFUSED', message: /another user can change/ })
})
