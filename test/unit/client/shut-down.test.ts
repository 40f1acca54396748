// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Cloud } from '../../../src/client/cloud.ts'
import { offlineCloud } from '../../../src/client/offline-cloud.ts'
import { shutDown } from '../../../src/client/shut-down.ts'
import type { Settings } from '../../../src/config/settings.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'

// The stand-in takes no settings; only its type has them.
const settings = {} as Settings

/** Shuts down a cloud that notes each step; `flushMs` is how long the outbox takes. */
async function ending(o: {
  isUp?: boolean
  flushMs?: number
  actionsMs?: number
  waitForReplies?: boolean
  timeoutMs?: number
}) {
  const { isUp = true, flushMs = 0, actionsMs = 0, waitForReplies = false, timeoutMs = 10_000 } = o
  const clock = new FakeClock()
  const steps: string[] = []
  const pass = async (whole: number, most: number) => {
    await clock.advance(Math.min(whole, most))
    return whole <= most
  }
  const cloud: Cloud = {
    ...offlineCloud(settings),
    isUp,
    stopCalls: () => void steps.push('no more mail'),
    flush: async maxMs => {
      steps.push(`flush ${maxMs}`)
      return pass(flushMs, maxMs)
    },
    close: async maxMs => {
      steps.push(`close ${maxMs}`)
    },
  }
  const runner = {
    close: async (graceMs: number) => {
      steps.push(`actions ${graceMs}`)
      await pass(actionsMs, graceMs)
    },
  }
  const delivered = await shutDown({ cloud, runner, clock, waitForReplies, timeoutMs })
  return { steps, delivered }
}

test('ends in order: mail, actions, outbox, link; each bounded', async () => {
  const { steps, delivered } = await ending({})
  assert.deepEqual(steps, ['no more mail', 'actions 5000', 'flush 2000', 'close 2000'])
  assert.equal(delivered, true)
})

test('a wait for replies gets all the time that is left, the link closes in any case', async () => {
  const { steps, delivered } = await ending({ waitForReplies: true, actionsMs: 3_000, flushMs: 60_000 })
  assert.deepEqual(steps, ['no more mail', 'actions 5000', 'flush 7000', 'close 100'])
  assert.equal(delivered, false)
})

test('actions that do not end leave half of the time for their answers', async () => {
  const { steps } = await ending({ waitForReplies: true, actionsMs: 60_000, timeoutMs: 600 })
  assert.deepEqual(steps, ['no more mail', 'actions 300', 'flush 300', 'close 300'])
})

test('without a link and without the wish to wait nothing is waited for', async () => {
  assert.deepEqual((await ending({ isUp: false, flushMs: 60_000 })).steps.slice(2), ['flush 0', 'close 2000'])
  assert.deepEqual((await ending({ isUp: false, waitForReplies: true })).steps[2], 'flush 10000')
})

test('a client that was never opened ends at once', async () => {
  const runner = { close: async () => {} }
  const clock = new FakeClock()
  assert.equal(await shutDown({ cloud: undefined, runner, clock, waitForReplies: true, timeoutMs: 1000 }), true)
})
