// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { systemClock } from '../../../src/base/clock.ts'

test('a timer longer than Node allows neither fires at once nor is lost', t => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  let fired = 0
  systemClock.timer(2 ** 31 + 5000, () => void fired++)
  mock.timers.tick(2 ** 31 - 1)
  mock.timers.tick(5000)
  assert.equal(fired, 0)
  mock.timers.tick(1)
  assert.equal(fired, 1)
})

test('a cancelled timer does not fire', t => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  let fired = 0
  const timer = systemClock.timer(10, () => void fired++)
  timer.cancel()
  timer.cancel()
  mock.timers.tick(20)
  assert.equal(fired, 0)
})
