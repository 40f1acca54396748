// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IdleTimer } from '../../../src/base/idle-timer.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'

test('calls back once when nothing was touched for the whole time, and not while it is paused', async () => {
  const clock = new FakeClock()
  let calls = 0
  const timer = new IdleTimer(clock, 1000, () => calls++)
  await clock.advance(5000)
  assert.equal(calls, 0, 'it waits for the first touch')
  timer.touch()
  await clock.advance(900)
  timer.touch()
  await clock.advance(900)
  assert.equal(calls, 0)
  timer.pause()
  await clock.advance(5000)
  assert.equal(calls, 0)
  timer.touch()
  await clock.advance(1000)
  assert.equal(calls, 1)
  await clock.advance(5000)
  assert.equal(calls, 1)
})

test('a stopped timer leaves nothing behind, and only one in the background lets the process end', async () => {
  const clock = new FakeClock()
  const seen: unknown[] = []
  const watched = {
    now: () => clock.now(),
    monotonicMs: () => clock.monotonicMs(),
    random: () => clock.random(),
    timer: (ms: number, callback: () => void, options: { background?: boolean } = {}) => {
      seen.push(options.background ?? false)
      return clock.timer(ms, callback)
    },
  }
  const timer = new IdleTimer(watched, 1000, () => {})
  timer.touch()
  timer.stop()
  assert.equal(clock.timers, 0)
  new IdleTimer(watched, 1000, () => {}, { background: true }).touch()
  assert.deepEqual(seen, [false, true])
})
