// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  nextPressure,
  type PressureOrder,
  type PressureSample,
  type PressureState,
  pressureTimes,
} from '../../../src/manager/memory/pressure.ts'
import { megabyte, softLimitBytes } from '../../../src/manager/memory/soft-limit.ts'

const minute = 60_000

/** Plays samples, one each half minute from `fromMinute` on; answers the orders with the minute at which they came. */
function play() {
  let state: PressureState = { phase: 'calm' }
  let nowMs = 0
  const heard: [atMinute: number, order: PressureOrder][] = []
  const during = (minutes: number, sample: Partial<PressureSample>) => {
    for (const untilMs = nowMs + minutes * minute; nowMs < untilMs; nowMs += minute / 2) {
      const usual = { usedBytes: 80, limitBytes: 64, running: 0, isUpdating: false, isSafe: true, notBeforeMs: 0 }
      const step = nextPressure(state, { ...usual, ...sample, nowMs })
      state = step.state
      for (const order of step.orders) heard.push([nowMs / minute, order])
    }
  }
  return { during, heard, phase: () => state.phase, orders: () => heard.map(([, order]) => order) }
}

test('memory below the limit, and any memory without a limit, is left alone', () => {
  const it = play()
  it.during(600, { usedBytes: 64 })
  it.during(600, { usedBytes: 1e12, limitBytes: 0 })
  assert.deepEqual(it.heard, [])
})

test('a peak is met with relief at once and every other minute, and forgotten when it is over', () => {
  const it = play()
  it.during(5, {})
  it.during(60, { usedBytes: 60 })
  assert.deepEqual(it.heard, [
    [0, 'above'],
    [0, 'relieve'],
    [2, 'relieve'],
    [4, 'relieve'],
    [5, 'calm'],
  ])
})

test('ten minutes above the limit in a row end in a restart, and nothing follows it', () => {
  const it = play()
  it.during(9, {})
  it.during(1, { usedBytes: 60 })
  it.during(60, {})
  assert.deepEqual(
    it.heard.filter(([, order]) => order === 'drain' || order === 'restart'),
    [
      [20, 'drain'],
      [20, 'restart'],
    ],
  )
  assert.equal(it.phase(), 'ending')
})

test('a running action delays the restart to its end, half an hour at most', () => {
  const short = play()
  short.during(25, { running: 1 })
  assert.equal(short.phase(), 'draining')
  short.during(1, { running: 0 })
  assert.deepEqual(short.heard.at(-1), [25, 'restart'])
  const long = play()
  long.during(120, { running: 1 })
  assert.deepEqual(long.heard.at(-1), [(pressureTimes.patienceMs + pressureTimes.drainMs) / minute, 'restart'])
})

test('no software update is cut off, however long it takes', () => {
  const it = play()
  it.during(24 * 60, { isUpdating: true })
  assert.equal(it.phase(), 'draining')
  it.during(1, {})
  assert.equal(it.orders().at(-1), 'restart')
})

test('no restart loses samples: it waits for the cloud or for the disk', () => {
  const it = play()
  it.during(24 * 60, { isSafe: false })
  assert.ok(!it.orders().includes('restart'))
  it.during(1, { isSafe: true })
  assert.equal(it.orders().at(-1), 'restart')
})

test('work that ends and frees the memory makes the restart needless', () => {
  const it = play()
  it.during(20, { running: 1 })
  it.during(5, { usedBytes: 50 })
  assert.equal(it.phase(), 'calm')
  assert.equal(it.orders().at(-1), 'calm')
})

test('memory that is above the limit again after a restart for it causes none for hours, and relief now and then', () => {
  const it = play()
  const notBeforeMs = 6 * 60 * minute
  it.during(6 * 60, { notBeforeMs })
  const orders = it.orders()
  assert.equal(orders.filter(order => order === 'hold').length, 1, 'said once')
  assert.ok(!orders.includes('restart'))
  // Four while there was hope, one at its end, and one in each half hour then.
  assert.equal(orders.filter(order => order === 'relieve').length, 5 + 1 + 11)
  it.during(1, { notBeforeMs })
  assert.deepEqual(it.orders().slice(-2), ['drain', 'restart'])
})

test('the limit is a third of the memory of the machine within bounds, unless it is set', () => {
  const machines = [45, 64, 128, 256, 512, 1024, 16_384]
  assert.deepEqual(
    machines.map(mb => Math.round(softLimitBytes(undefined, mb * megabyte) / megabyte)),
    [32, 32, 43, 85, 171, 256, 256],
  )
  assert.equal(softLimitBytes(48, 512 * megabyte), 48 * megabyte)
  assert.equal(softLimitBytes(0, 512 * megabyte), 0)
})
