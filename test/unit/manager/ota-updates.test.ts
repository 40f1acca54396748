// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseManifest } from '../../../src/manager/ota/package/manifest.ts'
import { updatePlaces } from '../../../src/manager/ota/state/places.ts'
import { readUpdateRequest } from '../../../src/manager/ota/state/request.ts'
import { UpdateJournal } from '../../../src/manager/ota/state/update-journal.ts'
import { AgentSlot } from '../../../src/manager/ota/trial/agent-slot.ts'
import { Updates } from '../../../src/manager/ota/updates.ts'
import { storeFolder } from '../../../src/platform/store/store-folder.ts'
import { WriteBudget } from '../../../src/platform/store/write-budget.ts'
import { Status } from '../../../src/protocol/status.ts'
import { eventually } from '../../helpers/eventually.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { memoryLog } from '../../helpers/memory-log.ts'
import { tempDir } from '../../helpers/temp-dir.ts'
import { leaveUpdate, updateJournal } from '../../helpers/update-journals.ts'

const parts = {
  cloud: undefined,
  rules: () => assert.fail('no package is looked at'),
  facts: () => assert.fail('no package is looked at'),
  deviceId: () => assert.fail('no package is looked at'),
  slot: undefined,
  handOver: () => assert.fail('no agent comes'),
  reboot: () => assert.fail('nothing reboots'),
  bootId: 'boot-1',
  clock: new FakeClock(),
}

test('an update that is being begun is told by its name, and the same call again is not refused', async t => {
  const places = updatePlaces(tempDir(t))
  const { log } = memoryLog()
  const flash = new AbortController()
  const reached = new EventTarget()
  /** Takes its time over the first state of an update, and has no room for it in the end. */
  class FullJournal extends UpdateJournal {
    override async begin(): Promise<void> {
      reached.dispatchEvent(new Event('flash'))
      await once(flash.signal, 'abort')
      throw new Error('no room')
    }
  }
  const journal = new FullJournal({ folder: storeFolder(places.stateFolder, new WriteBudget()), log })
  const updates = new Updates({ ...parts, places, journal, log })
  const first = readUpdateRequest('mail-1', { package: 'first.zip' })
  const other = readUpdateRequest('mail-2', { package: 'other.zip' })
  const atFlash = once(reached, 'flash')
  const begun = assert.rejects(updates.begin(first), /no room/)
  await atFlash
  const busy = { status: Status.Failure, message: 'a software update is already in progress (first.zip)' }
  assert.deepEqual(await updates.begin(other), { kind: 'answered', outcome: busy })
  assert.deepEqual(updates.refusal(), busy)
  assert.deepEqual(await updates.begin(first), { kind: 'running' })
  flash.abort()
  await begun
  assert.equal(updates.refusal(), undefined)
})

test('a new agent that still lies beside the old one has not been put in place, whatever its trial has shown', async t => {
  const folder = tempDir(t)
  const runtimeDir = join(folder, 'runtime')
  const executable = join(folder, 'agent')
  const { log } = memoryLog()
  const request = { ...readUpdateRequest('local-1', { package: 'p.zip' }), from: 'local' } as const
  const resumed = async () => {
    await leaveUpdate(runtimeDir, { step: 'adopt', request })
    const slot = new AgentSlot({ executable, clock: parts.clock })
    const journal = updateJournal(runtimeDir)
    const updates = new Updates({ ...parts, places: updatePlaces(runtimeDir), journal, log, slot })
    await updates.resume()
    return await updates.ended()
  }
  mkdirSync(runtimeDir)
  assert.equal((await resumed())?.failure, undefined)
  writeFileSync(`${executable}.new`, '')
  const { step, failure } = (await resumed()) ?? {}
  assert.deepEqual([step, failure?.step], ['done', 'adopt'])
  assert.match(failure?.text ?? '', /could not be put in place/)
  assert.ok(!existsSync(`${executable}.new`))
})

for (const step of ['restart', 'reboot'] as const)
  test(`where each boot has the same id, a machine is told to reboot once: ${step}`, async t => {
    const runtimeDir = tempDir(t)
    const { log, text } = memoryLog()
    const manifest = parseManifest(
      JSON.stringify({ name: 'p', version: '1', install: 'true', reboot: 'yes', health_check: true }),
    )
    const request = { ...readUpdateRequest('local-1', { package: 'p.zip' }), from: 'local' } as const
    await leaveUpdate(runtimeDir, {
      step,
      request,
      manifest: manifest.manifest,
      changed: true,
      restarted: step === 'reboot',
    })
    let reboots = 0
    const clock = new FakeClock()
    const begin = () =>
      new Updates({
        ...parts,
        places: updatePlaces(runtimeDir),
        journal: updateJournal(runtimeDir),
        log,
        clock,
        reboot: async () => void reboots++,
      })
    const first = begin()
    await first.resume()
    await eventually('the order', () => reboots === 1)
    // The container ends, and begins anew.
    await first.stop()
    const second = begin()
    await second.resume()
    const ended = second.ended()
    await eventually('the wait', () => clock.timers > 0)
    await clock.advance(120_000)
    const end = await ended
    assert.deepEqual([end?.step, reboots], ['done', 1])
    assert.match(text(), /the reboot was ordered, and the agent was started again in the same boot: .* container/)
    if (step === 'restart') assert.match(end?.failure?.text ?? '', /it is a container, which keeps its boot id/)
  })
