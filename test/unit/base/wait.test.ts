// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { AgentError } from '../../../src/base/errors.ts'
import { sleep, waitFor, withDeadline } from '../../../src/base/wait.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'

const timedOut = () => new AgentError('TIMEOUT', 'too late')

test('a wait ends with the reason of the signal, and leaves neither timer nor listener', async () => {
  const clock = new FakeClock()
  const controller = new AbortController()
  const waiting = sleep(clock, 1000, controller.signal)
  controller.abort(new AgentError('CLOSED', 'closing'))
  await assert.rejects(waiting, { code: 'CLOSED' })
  assert.equal(clock.timers, 0)
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
})

test('a wait that ends by itself leaves no listener on a long-lived signal', async () => {
  const clock = new FakeClock()
  const controller = new AbortController()
  const waiting = sleep(clock, 1000, controller.signal)
  await clock.advance(1000)
  await waiting
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
})

test('a signal that fired before refuses the wait at once, without starting anything', async () => {
  let started = false
  const waiting = waitFor(AbortSignal.abort(), () => {
    started = true
    return undefined
  })
  await assert.rejects(waiting, { code: 'ABORTED' })
  assert.equal(started, false)
})

test('work beyond its deadline is rejected with the given error and told to stop', async () => {
  const clock = new FakeClock()
  let seen: AbortSignal | undefined
  const work = withDeadline(clock, 500, timedOut, signal => {
    seen = signal
    return new Promise<never>(() => {})
  })
  const rejected = assert.rejects(work, { code: 'TIMEOUT' })
  await clock.advance(500)
  await rejected
  assert.equal(seen?.aborted, true)
})

test('the abort of the caller reaches the work', async () => {
  const clock = new FakeClock()
  const parent = new AbortController()
  let seen: AbortSignal | undefined
  const work = withDeadline(
    clock,
    500,
    timedOut,
    signal => {
      seen = signal
      return new Promise<never>(() => {})
    },
    parent.signal,
  )
  const rejected = assert.rejects(work, { code: 'ABORTED' })
  parent.abort()
  await rejected
  assert.equal(seen?.aborted, true)
  assert.equal(clock.timers, 0)
})

test('work that ends in time leaves no timer', async () => {
  const clock = new FakeClock()
  assert.equal(await withDeadline(clock, 500, timedOut, async () => 7), 7)
  assert.equal(clock.timers, 0)
})

test('work that settles while it is being set up is undone once', async () => {
  let undone = 0
  await waitFor<void>(undefined, resolve => {
    resolve()
    return () => void undone++
  })
  assert.equal(undone, 1)
})
