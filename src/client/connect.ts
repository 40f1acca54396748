// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../base/clock.ts'
import { AgentError } from '../base/errors.ts'
import { waitFor } from '../base/wait.ts'
import type { Cloud } from './cloud.ts'

interface ConnectParts {
  readonly start: () => Promise<Cloud>
  /** Whether the start waits, or had to wait, for another process. */
  readonly isQueueInUse: () => boolean
  readonly clock: Clock
  /** 0 = as long as it takes. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/**
 * Starts the cloud and waits for its link. The time that it takes to read the configuration does not count; the time that
 * another process keeps the queue does.
 *
 * @throws AgentError `TIMEOUT`, `ABORTED`, and what `start` throws
 */
export async function connect(parts: ConnectParts): Promise<void> {
  const { start, isQueueInUse, clock, timeoutMs, signal } = parts
  const fromMs = clock.monotonicMs()
  const cloud = await waitFor<Cloud>(signal, (resolve, reject) => {
    const late = () => {
      if (isQueueInUse()) reject(new AgentError('TIMEOUT', `Another process used the queue for ${timeoutMs} ms.`))
    }
    const timer = timeoutMs > 0 ? clock.timer(timeoutMs, late, { background: true }) : undefined
    start().then(resolve, reject)
    return () => timer?.cancel()
  })
  const waitedMs = isQueueInUse() ? Math.min(timeoutMs, clock.monotonicMs() - fromMs) : 0
  await cloud.untilUp({ timeoutMs, waitedMs, signal })
}
