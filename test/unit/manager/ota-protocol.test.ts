// SPDX-License-Identifier: Apache-2.0
/** An old agent and a new one whose builds differ in how they speak on its trial: what is told is what runs. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../../src/base/clock.ts'
import { frameRecord } from '../../../src/base/record.ts'
import { parseManifest } from '../../../src/manager/ota/package/manifest.ts'
import { firstState, type UpdateState } from '../../../src/manager/ota/state/index.ts'
import { updatePlaces } from '../../../src/manager/ota/state/places.ts'
import { readUpdateRequest } from '../../../src/manager/ota/state/request.ts'
import {
  aboutBuild,
  agreedVersion,
  speaks,
  trialVersions,
  versionsSaid,
} from '../../../src/manager/ota/state/trial-protocol.ts'
import { AgentSlot } from '../../../src/manager/ota/trial/agent-slot.ts'
import { Updates } from '../../../src/manager/ota/updates.ts'
import { Status } from '../../../src/protocol/status.ts'
import { memoryLog } from '../../helpers/memory-log.ts'
import { tempDir } from '../../helpers/temp-dir.ts'
import { updateJournal } from '../../helpers/update-journals.ts'
import { writePackage } from '../../helpers/update-packages.ts'

/** A new executable that says what it is asked, and notes the arguments of each start beside itself. */
const speaking = (answer: string) => `#!/bin/sh\necho "$*" >>"$0.args"\necho '${answer}'\n`
const range = (least: number, most: number) => JSON.stringify({ version: '9.0.0', trial: { least, most } })

test('two builds speak the newest version that both know; one that says nothing speaks the first', () => {
  assert.equal(agreedVersion({ least: 1, most: 1 }), 1)
  assert.equal(agreedVersion(trialVersions), trialVersions.most)
  assert.equal(agreedVersion({ least: 2, most: 9 }), 2)
  assert.equal(agreedVersion({ least: 3, most: 9 }), undefined)
  assert.equal(agreedVersion({ least: 1, most: 3 }, { least: 4, most: 5 }), undefined)
  for (const unsaid of ['', '0.1.0\n', '{}', '{"trial":7}', '{"trial":{"least":3,"most":2}}', '{"trial":{"least":0}}'])
    assert.deepEqual(versionsSaid(unsaid), { least: 1, most: 1 }, unsaid)
  assert.deepEqual(versionsSaid(range(2, 7)), { least: 2, most: 7 })
  assert.deepEqual(versionsSaid(JSON.stringify(aboutBuild('1.0.0'))), trialVersions)
  assert.deepEqual([undefined, 1, 2, 3].map(speaks), [true, true, true, false])
})

interface Place {
  readonly slot: AgentSlot
  readonly folder: string
  readonly source: string
}

function place(t: TestContext, script: string): Place {
  const folder = tempDir(t)
  writeFileSync(join(folder, 'agent'), '#!/bin/sh\necho old\n', { mode: 0o755 })
  const source = join(folder, 'package-agent')
  writeFileSync(source, script)
  return { slot: new AgentSlot({ executable: join(folder, 'agent'), clock: systemClock }), folder, source }
}

test('the new agent is asked before it is started for anything else; without a common version it goes', async t => {
  const { slot, source, folder } = place(t, speaking(range(7, 9)))
  for (const look of [() => slot.preview(source), () => slot.place(source)])
    await assert.rejects(look(), {
      code: 'NOT_SUPPORTED',
      status: Status.NotSupported,
      message: /it speaks versions 7 to 9 of the trial, and this one versions 1 to 2; .*this one continues\. Update to/,
      remedy: /^Update to a release between the two first, or put/,
    })
  assert.equal(readFileSync(join(folder, 'agent.new.args'), 'utf8'), '--version --json\n--version --json\n')
  assert.ok(!existsSync(slot.candidate))
  assert.equal(readFileSync(join(folder, 'agent'), 'utf8'), '#!/bin/sh\necho old\n')
})

test('what is beside the old agent already is not copied again, unless it is something else', async t => {
  for (const [answer, version] of [
    ['0.1.0', 1],
    [range(1, 2), 2],
    [range(2, 9), 2],
  ] as const) {
    const { slot, source } = place(t, speaking(answer))
    await slot.preview(source)
    const { ino } = statSync(slot.candidate)
    assert.equal(await slot.place(source), version)
    assert.equal(statSync(slot.candidate).ino, ino)
    writeFileSync(slot.candidate, '#!/bin/sh\necho evil\n')
    assert.equal(await slot.place(source), version)
    assert.equal(readFileSync(slot.candidate, 'utf8'), speaking(answer))
  }
})

test('one that does not start yet is no reason to refuse the package: a script may bring what it needs', async t => {
  const { slot, source } = place(t, '#!/bin/sh\nexit 127\n')
  await slot.preview(source)
  await assert.rejects(slot.place(source), { code: 'EXECUTION_FAILED', message: /does not start on this device/ })
  assert.ok(!existsSync(slot.candidate))
})

const newAgent = speaking(range(1, 2))
const effect = (word: string) => `echo ${word} >>../../effects`
const own = {
  install: effect('install'),
  error_action: effect('undo'),
  agent: 'new-agent',
  health_check: { timeout: 5, command: effect('health') },
}

/** A device whose agent is the script `inPlace`, and on which another process has left an update that brings `agent`. */
class Device {
  readonly folder: string
  readonly runtimeDir: string
  readonly slot: AgentSlot
  log = ''

  constructor(t: TestContext, inPlace: string, agent: string = newAgent) {
    this.folder = tempDir(t)
    this.runtimeDir = join(this.folder, 'runtime')
    const executable = join(this.folder, 'agent')
    writeFileSync(executable, inPlace, { mode: 0o755 })
    this.slot = new AgentSlot({ executable, clock: systemClock })
    const { packageFolder, stateFolder } = updatePlaces(this.runtimeDir)
    mkdirSync(packageFolder, { recursive: true })
    mkdirSync(stateFolder)
    writeFileSync(join(packageFolder, 'new-agent'), agent)
  }

  get effects(): string {
    const path = join(this.folder, 'effects')
    return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').join() : ''
  }

  get state(): UpdateState {
    const request = readUpdateRequest('local-1', { package: 'p.zip' })
    const { manifest } = parseManifest(JSON.stringify(own))
    const local = { ...request, from: 'local', path: join(this.folder, 'p.zip') } as const
    return { ...firstState(local, 'boot-1'), manifest, changed: true }
  }

  /** Writes a record as some build would. */
  leave(record: { version: number; state: object }): void {
    const text = new TextEncoder().encode(JSON.stringify(record))
    writeFileSync(join(updatePlaces(this.runtimeDir).stateFolder, 'update.journal'), frameRecord(text))
  }

  /** The process of the agent in place finds what was left, and goes on to the end. */
  async goOn(): Promise<UpdateState | undefined> {
    const { log, text } = memoryLog()
    const updates = new Updates({
      places: updatePlaces(this.runtimeDir),
      journal: updateJournal(this.runtimeDir),
      cloud: undefined,
      rules: () => ({ publicKeys: [], requireSignature: false }),
      facts: () => assert.fail('no compatibility is looked at'),
      deviceId: async () => 'dev-1',
      slot: this.slot,
      handOver: () => assert.fail('there is no trial'),
      reboot: () => assert.fail('nothing reboots'),
      bootId: 'boot-1',
      clock: systemClock,
      log,
    })
    await updates.resume()
    const end = (await updates.ended()) ?? (await updateJournal(this.runtimeDir).last())
    this.log = text()
    return end
  }
}

/** What older builds leave behind when they have put the new agent in place before its health is known. */
const leftByOlder: readonly (readonly [string, Partial<UpdateState>])[] = [
  ['it has passed, and is in place', { step: 'agent', probation: { result: 'passed' } }],
  ['it is in place, and that was not written down any more', { step: 'agent', probation: { result: 'begun' } }],
  ['its health is looked at', { step: 'health', probation: { result: 'passed' } }],
  ['it was called failed when it was in place already', { step: 'error_action', ...failedAs('agent') }],
  ['it was called failed at the change', { step: 'error_action', ...failedAs('adopt') }],
]

function failedAs(step: 'agent' | 'adopt') {
  return { failure: { step, status: Status.ExecutionError, text: 'its trial cannot go on' } }
}

for (const [what, left] of leftByOlder)
  test(`a journal of another build: ${what}: the new agent that reads it goes on, and nothing is undone`, async t => {
    const device = new Device(t, newAgent)
    // The health check of this package is one of words alone: no other process has proven a package here.
    const { manifest } = parseManifest(JSON.stringify({ ...own, health_check: { timeout: 5 } }))
    device.leave({ version: 1, state: { ...device.state, manifest, ...left } })
    const end = await device.goOn()
    assert.deepEqual([end?.step, end?.failure, device.effects], ['done', undefined, ''], device.log)
  })

test('the same journals mean what they say where the new agent is not in place', async t => {
  for (const [what, left] of leftByOlder)
    for (const waits of [false, true]) {
      const device = new Device(t, waits ? newAgent : '#!/bin/sh\necho old\n')
      if (waits) writeFileSync(device.slot.candidate, newAgent, { mode: 0o755 })
      const { manifest } = parseManifest(JSON.stringify({ install: 'true', agent: 'new-agent' }))
      device.leave({ version: 1, state: { ...device.state, manifest, ...left } })
      const end = await device.goOn()
      assert.ok(end?.step === 'done' && end.failure !== undefined, `${what}: ${device.log}`)
      assert.ok(!existsSync(device.slot.candidate), what)
    }
})

test('an agent that failed its preflight has failed, also where what is in place is of the same content', async t => {
  const device = new Device(t, newAgent)
  const { manifest } = parseManifest(JSON.stringify({ install: 'true', agent: 'new-agent' }))
  const probation = { result: 'failed', text: 'no way out' } as const
  device.leave({ version: 1, state: { ...device.state, manifest, step: 'agent', probation } })
  assert.match((await device.goOn())?.failure?.text ?? '', /no way out/)
})

test('what was undone cannot be called a success: the answer says that the new agent runs nevertheless', async t => {
  const device = new Device(t, newAgent)
  device.leave({ version: 1, state: { ...device.state, step: 'report', ...failedAs('agent') } })
  const end = await device.goOn()
  assert.equal(end?.failure?.text, 'its trial cannot go on; the new agent is in place nevertheless, and runs')
})

/** What a newer build may write. */
const newer: readonly (readonly [string, (state: UpdateState) => { version: number; state: object }])[] = [
  ['another journal', state => ({ version: 2, state: { ...state, step: 'health' } })],
  ['another step', state => ({ version: 1, state: { ...state, step: 'prove' } })],
  ['another trial', state => ({ version: 1, state: { ...state, step: 'health', trial: 9 } })],
]

for (const [what, write] of newer)
  test(`a journal of a newer build, ${what}: it is told by what runs, and no script of it runs`, async t => {
    const inPlace = new Device(t, newAgent)
    inPlace.leave(write(inPlace.state))
    const good = await inPlace.goOn()
    assert.deepEqual([good?.step, good?.failure, inPlace.effects], ['done', undefined, ''], inPlace.log)
    const gone = new Device(t, '#!/bin/sh\necho old\n')
    gone.leave(write(gone.state))
    const bad = await gone.goOn()
    assert.deepEqual([bad?.step, gone.effects], ['done', ''])
    assert.match(bad?.failure?.text ?? '', /another build of the agent has left it .*how it ended is not known/)
    const over = new Device(t, '#!/bin/sh\necho old\n')
    over.leave({ version: 2, state: { ...over.state, step: 'done' } })
    assert.deepEqual([(await over.goOn())?.failure, over.effects], [undefined, ''])
  })

test('a package whose agent does not understand this one is refused before any of its scripts runs', async t => {
  const device = new Device(t, '#!/bin/sh\necho old\n')
  const { request } = device.state
  const files = [{ name: 'new-agent', content: speaking(range(7, 7)), mode: 0o100755 }]
  writePackage(device.folder, 'p.zip', { ...own, pre_install: effect('pre') }, files)
  device.leave({ version: 1, state: firstState(request, 'boot-1') })
  const end = await device.goOn()
  assert.deepEqual([end?.failure?.step, end?.failure?.status, device.effects], ['unpack', Status.NotSupported, ''])
  assert.match(end?.failure?.text ?? '', /it speaks version 7 of the trial, and this one versions 1 to 2/)
  assert.ok(!existsSync(device.slot.candidate))
})

test('a new agent that waits beside the old one goes when a script fails before its turn', async t => {
  const device = new Device(t, '#!/bin/sh\necho old\n')
  const { request } = device.state
  const files = [{ name: 'new-agent', content: newAgent, mode: 0o100755 }]
  writePackage(device.folder, 'p.zip', { ...own, install: 'exit 3' }, files)
  device.leave({ version: 1, state: firstState(request, 'boot-1') })
  const end = await device.goOn()
  assert.deepEqual([end?.failure?.step, device.effects], ['install', 'undo'], device.log)
  assert.ok(!existsSync(device.slot.candidate))
})
