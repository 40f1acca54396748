// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LinkWatch } from '../../../src/manager/link/link-watch.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'

function scene(keepAliveS: number) {
  const clock = new FakeClock()
  const state = { expired: 0 }
  const watch = new LinkWatch({ clock, keepAliveS, onExpired: () => void state.expired++ })
  return { clock, state, watch }
}

test('ends after keep_alive seconds without a link in a row, and not before', async () => {
  const { clock, state, watch } = scene(60)
  watch.down()
  await clock.advance(59_000)
  watch.stop()
  await clock.advance(120_000)
  assert.equal(state.expired, 0)
  watch.down()
  await clock.advance(30_000)
  watch.down()
  await clock.advance(30_000)
  assert.equal(state.expired, 1)
  await clock.advance(120_000)
  assert.equal(state.expired, 1, 'told twice')
})

test('sessions that are kicked at once do not begin the count anew [H17]', async () => {
  const { clock, state, watch } = scene(60)
  const sinceMs = clock.monotonicMs()
  watch.down(sinceMs)
  for (let kick = 0; kick < 5; kick++) {
    await clock.advance(10_000)
    watch.stop()
    watch.down(sinceMs)
  }
  assert.equal(state.expired, 0)
  await clock.advance(10_000)
  assert.equal(state.expired, 1)
})

test('0 waits for ever, and keeps no timer', () => {
  const { clock, watch } = scene(0)
  watch.down()
  assert.equal(clock.timers, 0)
})
