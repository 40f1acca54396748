// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../base/clock.ts'
import { AgentError, withoutStop } from '../base/errors.ts'
import { waitFor } from '../base/wait.ts'
import type { Link } from '../connection/link.ts'

/** How long a caller waits for the link. */
export interface LinkWait {
  /** Default: as long as it takes. */
  readonly timeoutMs?: number | undefined
  /** How much of `timeoutMs` is over already. */
  readonly waitedMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Waits for the link, which goes on trying whatever becomes of the wait.
 *
 * @throws AgentError `TIMEOUT`, `ABORTED`, with the last failure of the link as the cause
 */
export async function untilUp(link: Pick<Link, 'isUp' | 'on' | 'status'>, clock: Clock, wait: LinkWait): Promise<void> {
  const { timeoutMs = 0, waitedMs = 0, signal } = wait
  if (link.isUp) return
  try {
    await waitFor<void>(signal, (resolve, reject) => {
      const unlisten = link.on('up', () => resolve())
      const onTimeout = () => reject(new AgentError('TIMEOUT', `There was no connection within ${timeoutMs} ms.`))
      const timer = timeoutMs > 0 ? clock.timer(timeoutMs - waitedMs, onTimeout) : undefined
      return () => {
        unlisten()
        timer?.cancel()
      }
    })
  } catch (error) {
    throw withLastFailure(error, link.status().lastError)
  }
}

function withLastFailure(error: unknown, lastError: AgentError | undefined): unknown {
  if (!(error instanceof AgentError) || lastError === undefined) return error
  const text = `${withoutStop(error.message)}; the last try failed: ${lastError.message}`
  const { code: lastCode, remedy } = lastError
  return new AgentError(error.code, text, { cause: lastError, details: { lastCode }, remedy })
}
