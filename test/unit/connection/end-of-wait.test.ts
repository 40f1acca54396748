// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ErrorCode, errorKinds } from '../../../src/base/errors.ts'
import { classOf, nextReconnectState, type ReconnectState } from '../../../src/connection/reconnect.ts'
import { WaitWatch } from '../../../src/connection/wait-watch.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'

function waitingAfter(code: ErrorCode, times = 1): ReconnectState {
  let state = nextReconnectState({ phase: 'stopped' }, { kind: 'start' })
  for (let time = 0; time < times; time++) {
    if (time > 0) state = nextReconnectState(state, { kind: 'try' })
    state = nextReconnectState(state, { kind: 'failed', code, random: 1 })
  }
  return state
}

test('a network that comes back ends a wait for a name, a route, a proxy or TCP, and its counts', () => {
  for (const code of ['NAME_NOT_RESOLVED', 'NETWORK_UNREACHABLE', 'PROXY_FAILED', 'TCP_FAILED', 'TIMEOUT'] as const) {
    const tried = nextReconnectState(waitingAfter(code, 9), { kind: 'network' })
    assert.equal(tried.phase, 'connecting', code)
    // The name server may follow the address by a second or two: that must not cost five minutes.
    const failedAgain = nextReconnectState(tried, { kind: 'failed', code, random: 1 })
    assert.ok(failedAgain.phase === 'waiting' && failedAgain.delayMs <= 2000, code)
  }
})

test('a new network is no reason to ask sooner where the cloud itself said no', () => {
  for (const code of ['LOGIN_REFUSED', 'THROTTLED', 'CONFIG_INVALID', 'CERTIFICATE_REFUSED'] as const) {
    const state = waitingAfter(code)
    assert.equal(nextReconnectState(state, { kind: 'network' }), state, code)
  }
  const takenOver = [
    { kind: 'connected' } as const,
    { kind: 'ended', upMs: 0, byPeer: true, random: 1 } as const,
  ].reduce(nextReconnectState, nextReconnectState({ phase: 'stopped' }, { kind: 'start' }))
  assert.equal(nextReconnectState(takenOver, { kind: 'network' }), takenOver)
})

test('a clock that is set ends a wait after a certificate that was refused for time, and no other', () => {
  for (const code of ['CERTIFICATE_NOT_YET_VALID', 'CERTIFICATE_EXPIRED'] as const)
    assert.equal(nextReconnectState(waitingAfter(code), { kind: 'clock' }).phase, 'connecting', code)
  for (const code of Object.keys(errorKinds) as ErrorCode[]) {
    if (['clock', 'tls'].includes(classOf(code))) continue
    const state = waitingAfter(code)
    assert.equal(nextReconnectState(state, { kind: 'clock' }), state, code)
  }
})

/** A watch that notes what it saw, over a network that the test sets. */
function watching(paths: { now: readonly string[] }) {
  const clock = new FakeClock()
  const seen: string[] = []
  const watch = new WaitWatch({
    clock,
    network: async () => new Set(paths.now),
    onNetwork: () => seen.push('network'),
    onClock: () => seen.push('clock'),
  })
  return { clock, seen, watch }
}

test('an address that appears is seen within five seconds, one that goes away is not, one that returns is', async () => {
  const paths = { now: ['address eth0 10.0.0.2'] }
  const { clock, seen, watch } = watching(paths)
  watch.remember()
  watch.start(false)
  await clock.advance(20_000)
  paths.now = []
  await clock.advance(5000)
  assert.deepEqual(seen, [])
  paths.now = ['address eth0 10.0.0.2']
  await clock.advance(5000)
  assert.deepEqual(seen, ['network'])
  watch.stop()
  assert.equal(clock.timers, 0)
})

test('an address that appeared while the failed try was under way is seen too', async () => {
  const paths: { now: readonly string[] } = { now: [] }
  const { clock, seen, watch } = watching(paths)
  watch.remember()
  paths.now = ['route eth0 00000000/00000000 0100000A']
  watch.start(false)
  await clock.advance(5000)
  assert.deepEqual(seen, ['network'])
  watch.stop()
})

test('a clock that is set forward or back is seen within a second while it is waited for; a slewed one is not', async () => {
  const { clock, seen, watch } = watching({ now: [] })
  clock.setWall(0)
  watch.remember()
  watch.start(true)
  for (let second = 0; second < 300; second++) {
    clock.setWall(clock.now() + 0.5)
    await clock.advance(1000)
  }
  assert.deepEqual(seen, [])
  clock.setWall(Date.parse('2026-03-01T00:00:00Z'))
  await clock.advance(1000)
  assert.deepEqual(seen, ['clock'])
  clock.setWall(Date.parse('2025-03-01T00:00:00Z'))
  await clock.advance(1000)
  assert.deepEqual(seen, ['clock', 'clock'])
  watch.stop()
  assert.equal(clock.timers, 0)
})
