// SPDX-License-Identifier: Apache-2.0
import { type Clock, earliestSetClockMs } from '../../base/clock.ts'
import { sleep } from '../../base/wait.ts'
import { Status } from '../../protocol/status.ts'
import { refusedPackage, UpdateError } from './package/index.ts'

/** How long a package that expires waits for a clock that was never set. */
export const longestClockWaitMs = 10 * 60_000
const lookMs = 5_000

/**
 * Checks that a package has not expired. While the clock was never set that cannot be known: then it waits for a set clock.
 *
 * @param onWait called before it waits
 * @throws UpdateError `POLICY_REFUSED` when it is over; `TIMEOUT` with status TryAgain when the clock was not set meanwhile
 */
export async function awaitExpiry(
  expiresMs: number,
  parts: { readonly clock: Clock; readonly signal: AbortSignal; readonly onWait: () => Promise<void> },
): Promise<void> {
  const { clock, signal, onWait } = parts
  const untilMs = clock.monotonicMs() + longestClockWaitMs
  for (let isFirst = true; !isSet(clock); isFirst = false) {
    if (isFirst) await onWait()
    if (clock.monotonicMs() >= untilMs) {
      const message = `The package expires, and the clock of the device was not set within ${longestClockWaitMs / 60_000} minutes: nothing was changed.`
      throw new UpdateError('TIMEOUT', Status.TryAgain, message)
    }
    await sleep(clock, lookMs, signal)
  }
  if (clock.now() < expiresMs) return
  throw refusedPackage(
    `it expired at ${timeText(expiresMs)} by "expires" in it, and the clock of the device shows ${timeText(clock.now())}`,
  )
}

/** Whether the wall clock was ever set. */
function isSet(clock: Clock): boolean {
  return clock.now() >= earliestSetClockMs
}

function timeText(ms: number): string {
  return new Date(ms).toISOString()
}
