// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AgentError } from '../../../src/base/errors.ts'
import { waitFor } from '../../../src/base/wait.ts'
import { until } from '../../../src/cli/validate/validation-context.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'

const refused = new AgentError('REFUSED_BY_CLOUD', 'location.current: Authentication is required')
const late = new AgentError('TIMEOUT', 'not proven within 15 s')

/** Looks again and again; the time is up during the `cutOff`-th look. */
async function outcomeOf(cutOff: number): Promise<unknown> {
  const clock = new FakeClock()
  const controller = new AbortController()
  let looks = 0
  const found = until({ clock, timeoutMs: 15_000, signal: controller.signal }, controller.signal, () => {
    looks++
    if (looks < cutOff) return Promise.reject(refused)
    setImmediate(() => controller.abort(late))
    return waitFor<string>(controller.signal, () => undefined)
  }).catch((error: unknown) => error)
  await clock.advance(15_000)
  return await found
}

test('a timeout during a probe rejects with the failure of the probe before it', async () => {
  assert.equal(await outcomeOf(2), refused)
  assert.equal(await outcomeOf(4), refused)
})

test('a timeout during the first probe rejects with the timeout', async () => {
  assert.equal(await outcomeOf(1), late)
})
