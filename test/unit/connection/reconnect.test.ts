// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ErrorCode, errorKinds } from '../../../src/base/errors.ts'
import {
  classOf,
  nextReconnectState,
  type ReconnectInput,
  type ReconnectState,
  reconnectPolicies,
  stableAfterMs,
  takeoverWithinMs,
} from '../../../src/connection/reconnect.ts'

/** Runs inputs from a fresh link; `random` is 1 minus nothing, so that every delay is the longest possible. */
function run(...inputs: readonly ReconnectInput[]): ReconnectState {
  return inputs.reduce(nextReconnectState, { phase: 'stopped' } as ReconnectState)
}

const start: ReconnectInput = { kind: 'start' }
const again: ReconnectInput = { kind: 'try' }
const connected: ReconnectInput = { kind: 'connected' }
const failed = (code: ErrorCode, random = 1): ReconnectInput => ({ kind: 'failed', code, random })
const ended = (upMs: number, byPeer = true, random = 1): ReconnectInput => ({ kind: 'ended', upMs, byPeer, random })

function delayOf(state: ReconnectState): number {
  assert.equal(state.phase, 'waiting')
  return state.phase === 'waiting' ? state.delayMs : Number.NaN
}

function delays(code: ErrorCode, times: number): number[] {
  const found: number[] = []
  let state = run(start)
  for (let time = 0; time < times; time++) {
    state = nextReconnectState(state, failed(code))
    found.push(delayOf(state))
    state = nextReconnectState(state, again)
  }
  return found
}

test('a name that cannot be resolved is tried again after 1, 2, 4 ... 300 seconds, for ever', () => {
  assert.deepEqual(
    delays('NAME_NOT_RESOLVED', 11),
    [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300].map(s => s * 1000),
  )
})

test('a refused login waits half a minute first and at most five minutes', () => {
  assert.deepEqual(
    delays('LOGIN_REFUSED', 6),
    [30, 60, 120, 240, 300, 300].map(s => s * 1000),
  )
})

test('a certificate that is not valid yet is asked again at least every half minute: NTP will set the clock', () => {
  assert.deepEqual(
    delays('CERTIFICATE_NOT_YET_VALID', 7),
    [1, 2, 4, 8, 16, 30, 30].map(s => s * 1000),
  )
})

test('every delay is drawn from the upper half of its step', () => {
  assert.equal(delayOf(run(start, failed('TCP_FAILED', 0))), 500)
  assert.equal(delayOf(run(start, failed('TCP_FAILED', 0.5))), 750)
})

test('each class of failure counts for itself', () => {
  const state = run(start, failed('TCP_FAILED'), again, failed('TCP_FAILED'), again, failed('NAME_NOT_RESOLVED'))
  assert.equal(delayOf(state), 1000)
  assert.equal(delayOf(nextReconnectState(nextReconnectState(state, again), failed('TCP_FAILED'))), 4000)
})

test('a stable session clears every count, and the first try after it comes within a second', () => {
  const before = [start, failed('TCP_FAILED'), again, failed('TCP_FAILED'), again, connected]
  const state = run(...before, ended(stableAfterMs, true, 0.25))
  assert.equal(delayOf(state), 250)
  assert.equal(delayOf(nextReconnectState(nextReconnectState(state, again), failed('TCP_FAILED'))), 1000)
})

test('a session that did not last a minute clears nothing', () => {
  const state = run(
    start,
    failed('TCP_FAILED'),
    again,
    connected,
    ended(stableAfterMs - 1),
    again,
    failed('TCP_FAILED'),
  )
  assert.equal(delayOf(state), 2000)
})

test('a cloud that accepts and closes at once is asked ever more rarely', () => {
  let state = run(start)
  const found: number[] = []
  for (let time = 0; time < 8; time++) {
    state = [connected, ended(takeoverWithinMs - 1)].reduce(nextReconnectState, state)
    found.push(delayOf(state))
    state = nextReconnectState(state, again)
  }
  assert.deepEqual(
    found,
    [5, 10, 20, 40, 80, 160, 300, 300].map(s => s * 1000),
  )
})

test('a session that this side gave up soon is no takeover', () => {
  assert.equal(delayOf(run(start, connected, ended(1000, false))), 1000)
})

test('what means nothing in a state leaves the very same state', () => {
  const states = [run(), run(start), run(start, connected), run(start, failed('TIMEOUT'))]
  const inputs = [start, again, connected, failed('TIMEOUT'), ended(0)]
  const meaningful: Record<ReconnectState['phase'], readonly ReconnectInput['kind'][]> = {
    stopped: ['start'],
    connecting: ['connected', 'failed'],
    up: ['ended'],
    waiting: ['try'],
  }
  for (const state of states)
    for (const input of inputs)
      if (!meaningful[state.phase].includes(input.kind)) assert.equal(nextReconnectState(state, input), state)
  for (const state of states) assert.deepEqual(nextReconnectState(state, { kind: 'close' }), { phase: 'stopped' })
})

test('every error code has a policy between one second and five minutes', () => {
  for (const code of Object.keys(errorKinds)) {
    const policy = reconnectPolicies[classOf(code as ErrorCode)]
    assert.ok(policy.firstMs >= 1000 && policy.maxMs <= 300_000, code)
  }
})
