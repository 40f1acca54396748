// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextReconnectState, type ReconnectInput, type ReconnectState } from '../../../src/connection/reconnect.ts'

const minute = 60_000
const hour = 60 * minute

interface Device {
  state: ReconnectState
  upSinceMs: number
  dueMs: number
  connects: number
}

/** Two devices with one thing key against a cloud that ends the older session whenever the other one logs in. */
function duel(
  lengthMs: number,
  random: () => number,
): { readonly devices: readonly Device[]; readonly connectsMs: number[] } {
  const devices: Device[] = [0, 90_000].map(dueMs => ({
    state: { phase: 'stopped' },
    upSinceMs: 0,
    dueMs,
    connects: 0,
  }))
  const connectsMs: number[] = []
  const feed = (device: Device, input: ReconnectInput, nowMs: number) => {
    device.state = nextReconnectState(device.state, input)
    if (device.state.phase === 'waiting') device.dueMs = nowMs + device.state.delayMs
  }
  for (;;) {
    const [device] = devices.filter(({ state }) => state.phase !== 'up').sort((a, b) => a.dueMs - b.dueMs)
    if (device === undefined || device.dueMs > lengthMs) return { devices, connectsMs }
    const nowMs = device.dueMs
    feed(device, { kind: device.state.phase === 'stopped' ? 'start' : 'try' }, nowMs)
    feed(device, { kind: 'connected' }, nowMs)
    device.upSinceMs = nowMs
    device.connects++
    connectsMs.push(nowMs)
    for (const other of devices)
      if (other !== device && other.state.phase === 'up')
        feed(other, { kind: 'ended', upMs: nowMs - other.upSinceMs, byPeer: true, random: random() }, nowMs)
  }
}

test('two devices with one thing key do not fight: after a while they connect some times an hour', () => {
  for (const fixed of [0, 0.5, 0.999]) {
    const { connectsMs } = duel(6 * hour, () => fixed)
    const late = connectsMs.filter(ms => ms > hour).length / 5
    assert.ok(late <= 60, `${late} connects an hour with chance ${fixed}`)
    const first = connectsMs.filter(ms => ms < 90_000 + minute).length
    assert.ok(first <= 15, `${first} connects in the first minute of the fight with chance ${fixed}`)
  }
})

test('a device that is gone is forgiven by a session of ten minutes', () => {
  const connected: ReconnectInput = { kind: 'connected' }
  const again: ReconnectInput = { kind: 'try' }
  const ended = (upMs: number): ReconnectInput => ({ kind: 'ended', upMs, byPeer: true, random: 1 })
  const takenTwice = [
    { kind: 'start' } as const,
    connected,
    ended(1000),
    again,
    connected,
    ended(1000),
    again,
    connected,
  ]
  const stopped: ReconnectState = { phase: 'stopped' }
  const third: ReconnectState = [...takenTwice, ended(9 * minute)].reduce(nextReconnectState, stopped)
  assert.ok(third.phase === 'waiting' && third.after === 'takeover')
  assert.equal(third.delayMs, 20_000)
  const forgiven: ReconnectState = [...takenTwice, ended(10 * minute)].reduce(nextReconnectState, stopped)
  assert.ok(forgiven.phase === 'waiting' && forgiven.after === 'lost')
  assert.deepEqual(forgiven.failures, {})
})

test('a link that dies of silence is no duplicate client, also after a takeover', () => {
  const silence: ReconnectInput = { kind: 'ended', upMs: 2 * minute, byPeer: false, random: 1 }
  const inputs: ReconnectInput[] = [
    { kind: 'start' },
    { kind: 'connected' },
    { kind: 'ended', upMs: 1000, byPeer: true, random: 1 },
    { kind: 'try' },
    { kind: 'connected' },
    silence,
  ]
  const state: ReconnectState = inputs.reduce(nextReconnectState, { phase: 'stopped' } as ReconnectState)
  assert.ok(state.phase === 'waiting' && state.after === 'lost')
  assert.equal(state.failures.takeover, 1)
})
