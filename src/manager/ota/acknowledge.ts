// SPDX-License-Identifier: Apache-2.0
import { backoffMs } from '../../base/backoff.ts'
import type { Clock } from '../../base/clock.ts'
import { AgentError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { sleep, throwIfAborted } from '../../base/wait.ts'
import { rebootsAtEnd, type UpdateState } from './state/index.ts'
import type { UpdateCloud } from './update-cloud.ts'
import { outcomeOf } from './update-reports.ts'

/** How long the answer may take before a reboot; after that the next process delivers it. */
const beforeRebootMs = 30_000
const pause = { firstMs: 1_000, maxMs: 60_000 }

/**
 * Acknowledges the call and waits until the cloud has the answer. A refusal is final as well: the cloud has closed the call.
 * It tries without an end, because the cloud waits for the answer.
 */
export async function acknowledgeUpdate(parts: {
  readonly state: UpdateState
  readonly cloud: UpdateCloud | undefined
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}): Promise<void> {
  const { state, cloud, clock, log, signal } = parts
  const { request } = state
  if (request.from === 'local' || cloud === undefined) return
  const wait = rebootsAtEnd(state) ? { signal, timeoutMs: beforeRebootMs } : { signal }
  for (let tries = 0; ; tries++) {
    try {
      const receipt = await cloud.acknowledge(request.id, outcomeOf(state))
      await receipt.delivered(wait)
      return
    } catch (error) {
      throwIfAborted(signal)
      const code = error instanceof AgentError ? error.code : undefined
      if (code === 'REFUSED_BY_CLOUD' || code === 'TIMEOUT') {
        log.info('the answer of the update is not confirmed', { id: request.id, error })
        return
      }
      log.warn('the update could not be acknowledged; it is tried again', { id: request.id, error })
      await sleep(clock, backoffMs(pause, tries, clock.random()), signal)
    }
  }
}
