// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextReconnectState, type ReconnectInput, type ReconnectState } from '../../../src/connection/reconnect.ts'
import { seededChance } from '../../helpers/seeded.ts'

const devices = 1000
const second = 1000

/**
 * A fleet whose cloud ends all sessions at once and refuses every connection for `downMs`: when each device tries, and when it
 * is back, in milliseconds since the end.
 */
function outage(downMs: number): { readonly triesMs: number[]; readonly backMs: number[] } {
  const triesMs: number[] = []
  const backMs: number[] = []
  for (let device = 0; device < devices; device++) {
    const random = seededChance(device * 7919 + 1)
    let nowMs = 0
    const before: ReconnectInput[] = [{ kind: 'start' }, { kind: 'connected' }]
    let state: ReconnectState = before.reduce(nextReconnectState, { phase: 'stopped' } as ReconnectState)
    state = nextReconnectState(state, { kind: 'ended', upMs: 3_600_000, byPeer: true, random: random() })
    while (state.phase === 'waiting') {
      nowMs += state.delayMs
      triesMs.push(nowMs)
      state = nextReconnectState(state, { kind: 'try' })
      if (nowMs >= downMs) break
      state = nextReconnectState(state, { kind: 'failed', code: 'TCP_FAILED', random: random() })
    }
    backMs.push(nowMs)
  }
  return { triesMs, backMs }
}

/** How many of the times fall into each second from `fromMs` on. */
function perSecond(timesMs: readonly number[], fromMs: number): number[] {
  const counts: number[] = []
  for (const ms of timesMs) {
    if (ms < fromMs) continue
    const at = Math.floor((ms - fromMs) / second)
    counts[at] = (counts[at] ?? 0) + 1
  }
  return Array.from(counts, count => count ?? 0)
}

/** The seconds in which 95 % of the fleet came back. */
function rush(timesMs: readonly number[], fromMs: number): number[] {
  const sorted = [...timesMs].sort((a, b) => a - b)
  const end = sorted[Math.floor(devices * 0.95)] ?? 0
  return perSecond(
    sorted.filter(ms => ms <= end),
    fromMs,
  )
}

for (const downS of [20, 60, 300, 3600]) {
  test(`a thousand devices come back after ${downS} s without a peak`, t => {
    const { backMs } = outage(downS * second)
    assert.equal(backMs.length, devices)
    const counts = rush(backMs, downS * second)
    const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length
    const peak = Math.max(...counts)
    t.diagnostic(`fullest second ${peak}, mean ${mean.toFixed(1)}, 95 % back after ${counts.length} s`)
    // A fleet in step would have most of its devices in one second. After a short outage the slow ones make the mean small.
    assert.ok(peak <= 4 * mean, `${peak} in the fullest second, ${mean.toFixed(1)} on average`)
    assert.ok(peak <= 0.15 * devices, `${peak} of ${devices} in one second`)
    // No device waits longer than the longest wait.
    assert.ok(Math.max(...backMs) <= downS * second + 300 * second)
  })
}

test('a thousand devices that are thrown out at once knock a minute long ever more rarely, never all in one second', () => {
  const { triesMs } = outage(60 * second)
  const counts = perSecond(triesMs, 0)
  // The first try comes within a second, the second within two: a short interruption must not cost a fleet minutes.
  assert.ok(counts.slice(0, 1).every(count => count <= 1.5 * devices))
  const later = counts.slice(8, 60)
  assert.ok(Math.max(...later) <= devices / 3, `${Math.max(...later)} tries in one second`)
})
