// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Log } from '../../../src/base/log.ts'
import { LifeSigns } from '../../../src/manager/watchdog/life-signs.ts'
import type { ProgressSigns, Stall } from '../../../src/manager/watchdog/progress.ts'
import type { ServiceNotice } from '../../../src/platform/process/service-notifier.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'

const minute = 60_000

function scene(watchdogMs?: number) {
  const clock = new FakeClock()
  const told: ServiceNotice[] = []
  const standstills: Stall[] = []
  const life = new LifeSigns({
    clock,
    log: Log.create({ clock, sink: () => {} }),
    listener: { watchdogMs, notify: notice => void told.push(notice), flush: async () => {} },
    onStall: stall => void standstills.push(stall),
  })
  let linkMoves = 0
  const shown = {
    isMoving: true,
    line: 'connecting',
    text: () => shown.line,
    signs: (): ProgressSigns => ({
      linkMoves: shown.isMoving ? linkMoves++ : linkMoves,
      isUp: false,
      requestsEnded: 0,
      mailboxFull: false,
      samplesWaiting: 0,
      queueTries: 0,
    }),
  }
  life.watch(shown)
  return { clock, told, standstills, life, shown, signs: () => told.filter(notice => notice.WATCHDOG === '1').length }
}

test('the watchdog of systemd gets a sign of life every half of its time', async () => {
  const { clock, life, signs, told } = scene(5 * minute)
  life.ready()
  assert.deepEqual(told, [{ READY: '1', WATCHDOG: '1', STATUS: 'connecting' }])
  await clock.advance(149_999)
  assert.equal(signs(), 1)
  await clock.advance(1)
  assert.equal(signs(), 2)
  await clock.advance(60 * minute)
  assert.equal(signs(), 2 + 24)
})

test('a manager that stands still gives no more signs of life, and its end is asked for once', async () => {
  const { clock, life, signs, shown, standstills } = scene(5 * minute)
  life.ready()
  await clock.advance(10 * minute)
  shown.isMoving = false
  await clock.advance(11 * minute)
  const before = signs()
  await clock.advance(60 * minute)
  assert.equal(signs(), before)
  assert.deepEqual(
    standstills.map(({ part }) => part),
    ['link'],
  )
})

test('without systemd a stall is seen all the same, also one before the manager was ready', async () => {
  const { clock, shown, standstills, told } = scene()
  shown.isMoving = false
  await clock.advance(12 * minute)
  assert.equal(standstills.length, 1)
  assert.deepEqual(told, [])
})

test('a manager that ends is not judged by its link, and still shows that it lives', async () => {
  const { clock, life, signs, shown, standstills } = scene(5 * minute)
  life.ready()
  shown.isMoving = false
  life.forget()
  await clock.advance(60 * minute)
  assert.deepEqual([standstills.length, signs()], [0, 1 + 24])
  await life.close()
  assert.equal(clock.timers, 0)
})

test('a link that goes up and down is told at once, and then not more often than every ten seconds', async () => {
  const { clock, life, shown, told } = scene()
  life.ready()
  told.length = 0
  await clock.advance(10_000)
  for (const line of ['up', 'down', 'up again', 'down again']) {
    shown.line = line
    life.changed()
    await clock.advance(1)
  }
  assert.deepEqual(told, [{ STATUS: 'up' }])
  await clock.advance(10_000)
  assert.deepEqual(told, [{ STATUS: 'up' }, { STATUS: 'down again' }])
})

test('a reload is told from its beginning to its end, also when it fails', async () => {
  const { clock, life, told } = scene()
  await clock.advance(1234.5)
  life.ready()
  told.length = 0
  await assert.rejects(
    life.reload(() => Promise.reject(new Error('no'))),
    /no/,
  )
  assert.deepEqual(told, [{ RELOADING: '1', MONOTONIC_USEC: '1234500' }, { READY: '1' }])
})
