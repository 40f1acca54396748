// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { maxStallMs, Progress, type ProgressSigns } from '../../../src/manager/watchdog/progress.ts'

const minute = 60_000
const idle: ProgressSigns = {
  linkMoves: 0,
  isUp: true,
  requestsEnded: 0,
  mailboxFull: false,
  samplesWaiting: 0,
  queueTries: 0,
}

/** Looks every minute for `minutes`; `at` tells what is seen then. Resolves to the minute and the part of a stall. */
function watch(minutes: number, at: (minute: number) => Partial<ProgressSigns>, everyMs = () => minute) {
  const progress = new Progress(minute, 0)
  let nowMs = 0
  for (let passed = 0; passed <= minutes; passed++) {
    const stall = progress.look(nowMs, { ...idle, ...at(passed) })
    if (stall !== undefined) return { part: stall.part, minute: passed, forMs: stall.forMs }
    nowMs += everyMs()
  }
  return undefined
}

const day = 24 * 60

test('a device without a link gets on for days, as long as it tries every five minutes', () => {
  assert.equal(
    watch(2 * day, passed => ({ isUp: false, linkMoves: Math.floor(passed / 5), samplesWaiting: passed })),
    undefined,
  )
})

test('a link that neither tries nor waits its turn stands still after ten minutes', () => {
  const seen = watch(day, passed => ({ isUp: false, linkMoves: Math.min(passed, 30) }))
  assert.deepEqual(seen, { part: 'link', minute: 40, forMs: maxStallMs.link })
})

test('a link that is up and hears not even answers to its pings stands still', () => {
  assert.equal(watch(day, passed => ({ linkMoves: Math.min(passed, 100), requestsEnded: passed }))?.part, 'link')
})

test('an idle link with its pings and a mailbox check every twenty minutes gets on', () => {
  assert.equal(
    watch(2 * day, passed => ({ linkMoves: passed, requestsEnded: Math.floor(passed / 20) })),
    undefined,
  )
})

test('pings alone are not enough: without a round trip for 45 minutes the manager is deaf', () => {
  const seen = watch(day, passed => ({ linkMoves: passed, requestsEnded: Math.min(passed, 60) }))
  assert.deepEqual([seen?.part, seen?.minute], ['requests', 105])
})

test('a full mailbox asks nothing, and that is right', () => {
  assert.equal(
    watch(day, passed => ({ linkMoves: passed, mailboxFull: true })),
    undefined,
  )
})

test('a queue that waits and is not tried stands still; one that tries in vain gets on', () => {
  const busy = (passed: number) => ({ linkMoves: passed, requestsEnded: passed, samplesWaiting: 3 })
  assert.deepEqual(watch(day, busy)?.part, 'queue')
  assert.equal(
    watch(day, passed => ({ ...busy(passed), queueTries: passed })),
    undefined,
  )
})

test('a new session has its full time', () => {
  const flapping = (passed: number) => ({ linkMoves: passed, isUp: passed % 40 !== 0, samplesWaiting: 1 })
  assert.equal(watch(day, flapping), undefined)
})

test('a process that was stopped, or a machine that slept, is not to blame', () => {
  let looks = 0
  const napping = () => (++looks % 9 === 0 ? 12 * 60 * minute : minute)
  assert.equal(
    watch(500, passed => ({ linkMoves: Math.floor(passed / 5), isUp: false }), napping),
    undefined,
  )
})

test('an event loop that is late at every look stands still, and one that was late once does not', () => {
  const busy = (passed: number) => ({ linkMoves: passed, requestsEnded: passed })
  assert.equal(watch(day, busy, () => 2 * minute)?.part, 'event loop')
  let looks = 0
  assert.equal(
    watch(day, busy, () => (++looks % 5 === 0 ? 2 * minute : minute)),
    undefined,
  )
})

test('while there is nothing to show, the event loop alone is judged', () => {
  const progress = new Progress(minute, 0)
  for (let passed = 1; passed < day; passed++) assert.equal(progress.look(passed * minute, undefined), undefined)
})
