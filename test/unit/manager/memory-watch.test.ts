// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { afterCollection, firstCollection, isCollectionDue } from '../../../src/manager/memory/collection.ts'
import { memoryEvents } from '../../../src/manager/memory/memory-events.ts'
import { MemoryWatch } from '../../../src/manager/memory/memory-watch.ts'
import { megabyte } from '../../../src/manager/memory/soft-limit.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { memoryLog } from '../../helpers/memory-log.ts'

const minute = 60_000
const hour = 60 * minute

/** A watch over memory that the test sets. */
function watched(o: { left?: string; writable?: boolean; garbageMb?: number } = {}) {
  const clock = new FakeClock()
  const { log, text } = memoryLog(clock)
  const it = { usedMb: 20, garbageMb: o.garbageMb ?? 0, running: 0, isUpdating: false, isSafe: true }
  const did: string[] = []
  const told: string[] = []
  let file = o.left
  const watch = new MemoryWatch({
    clock,
    log,
    read: async () => (it.usedMb + it.garbageMb) * megabyte,
    collect: async () => {
      did.push('collect')
      it.garbageMb = 0
      return true
    },
    spill: async () => {
      did.push('spill')
      return it.isSafe
    },
    work: () => it,
    note: {
      read: async () => file,
      write: async text => {
        if (o.writable === false) throw new Error('read-only')
        file = text
      },
      remove: async () => {
        file = undefined
      },
    },
    events: {
      restarted: async note => void told.push(`restarted ${note.usedBytes / megabyte} ${note.aboveS}`),
      held: async () => void told.push('held'),
    },
    restart: () => did.push('restart'),
  })
  watch.setLimit(64 * megabyte)
  return { watch, clock, it, did, told, text, file: () => file }
}

test('garbage is collected when the start has settled, when a burst has left some, and not while something runs', async () => {
  const { watch, clock, it, did } = watched({ garbageMb: 3 })
  await watch.start(true)
  it.running = 1
  await clock.advance(2 * minute)
  assert.deepEqual(did, [])
  it.running = 0
  await clock.advance(minute)
  assert.deepEqual(did, ['collect'])
  it.garbageMb = 0.4
  await clock.advance(30 * minute)
  assert.deepEqual(did, ['collect'], 'not worth it')
  it.garbageMb = 0.6
  await clock.advance(minute)
  assert.deepEqual(did, ['collect', 'collect'])
  watch.stop()
  assert.equal(clock.timers, 0)
})

test('collections that gain nothing get rarer, to one in an hour; one that does makes them frequent again', () => {
  let state = firstCollection
  let nowMs = 0
  let usedBytes = 20 * megabyte
  const pauses: number[] = []
  for (let time = 0; time < 8; time++) {
    assert.ok(isCollectionDue(state, nowMs, usedBytes))
    state = afterCollection(state, { nowMs, beforeBytes: usedBytes, afterBytes: usedBytes })
    pauses.push((state.notBeforeMs - nowMs) / minute)
    usedBytes += 2 * megabyte
    assert.ok(!isCollectionDue(state, state.notBeforeMs - 1, usedBytes))
    nowMs = state.notBeforeMs
  }
  assert.deepEqual(pauses, [2, 4, 8, 16, 32, 60, 60, 60])
  state = afterCollection(state, { nowMs, beforeBytes: usedBytes, afterBytes: usedBytes - megabyte })
  assert.equal(state.pauseMs, minute)
})

test('above the limit it spills and collects, waits for what runs, writes down why, and restarts once', async () => {
  const { watch, clock, it, did, text, file } = watched()
  await watch.start(true)
  it.usedMb = 80
  it.running = 1
  await clock.advance(15 * minute)
  assert.ok(did.includes('spill') && did.includes('collect'))
  assert.ok(!did.includes('restart'))
  assert.deepEqual([watch.status().pressure, file()], ['draining', undefined])
  it.running = 0
  await clock.advance(5_000)
  assert.equal(did.at(-1), 'restart')
  const note = JSON.parse(file() ?? '')
  assert.deepEqual([note.usedBytes, note.limitBytes], [80 * megabyte, 64 * megabyte])
  assert.ok(note.aboveS >= 600 && note.aboveS <= 905, note.aboveS)
  assert.match(text(), /restarting for memory/)
  await clock.advance(hour)
  assert.equal(did.filter(one => one === 'restart').length, 1)
})

test('the next process tells it, forgets the note, and does not restart again for hours but says so', async () => {
  const left = '{"at":"2026-01-02T03:04:05.000Z","usedBytes":83886080,"limitBytes":67108864,"aboveS":612}'
  const { watch, clock, it, did, told, text, file } = watched({ left })
  await watch.start(true)
  assert.deepEqual(told, ['restarted 80 612'])
  assert.equal(file(), undefined)
  assert.deepEqual(watch.status().restartedFor, JSON.parse(left))
  it.usedMb = 80
  await clock.advance(5 * hour)
  assert.ok(!did.includes('restart'))
  assert.deepEqual(told.slice(1), ['held'])
  assert.equal(watch.status().pressure, 'holding')
  assert.match(text(), /a restart does not help.*Raise memory_soft_limit/)
  await clock.advance(hour)
  assert.equal(did.at(-1), 'restart')
})

test('a note that is torn is one all the same; without a place for a note there is no restart', async () => {
  const torn = watched({ left: '{"at":"2026-01' })
  await torn.watch.start(true)
  assert.deepEqual(torn.told, ['restarted 0 0'])
  for (const o of [{ canNote: false }, { canNote: true, writable: false }]) {
    const { watch, clock, it, did, text } = watched(o)
    await watch.start(o.canNote)
    it.usedMb = 80
    await clock.advance(24 * hour)
    assert.ok(!did.includes('restart'), JSON.stringify(o))
    assert.match(text(), /Make runtime_dir writable|cannot be written/)
  }
})

test('samples that would be lost hold the restart back, and the log says why', async () => {
  const { watch, clock, it, did, text } = watched()
  await watch.start(true)
  Object.assign(it, { usedMb: 80, isSafe: false })
  await clock.advance(3 * hour)
  assert.ok(!did.includes('restart'))
  assert.match(text(), /the restart for memory waits: it would lose samples/)
  it.isSafe = true
  await clock.advance(5_000)
  assert.equal(did.at(-1), 'restart')
})

test('the event of a restart is done when it is on flash, or else when the cloud has it', async () => {
  for (const isOnFlash of [true, false]) {
    const did: string[] = []
    const events = memoryEvents({
      events: {
        publish: async (text, { level }) => {
          did.push(`${level} ${text}`)
          return { delivered: async () => void did.push('delivered') }
        },
      },
      spill: async () => isOnFlash,
    })
    const at = '2026-01-02T03:04:05.000Z'
    await events.restarted({ at, usedBytes: 80 * megabyte, limitBytes: 64 * megabyte, aboveS: 612 })
    assert.match(
      did[0] ?? '',
      /^warning memory_restart: .*2026-01-02T03:04:05\.000Z.*80\.0 MB, above memory_soft_limit \(64\.0 MB\) for 612 s/,
    )
    assert.equal(did[1], isOnFlash ? undefined : 'delivered')
  }
})
