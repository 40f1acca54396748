// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../base/clock.ts'
import type { Cloud } from './cloud.ts'

/** How long actions may take to end after their abort. */
const actionGraceMs = 5_000
/** How long the last samples and answers may take when the caller does not wait for replies. */
const farewellMs = 2_000
const maxLinkCloseMs = 2_000
const minLinkCloseMs = 100

/**
 * Ends a client in order: takes no new calls, aborts actions and answers their calls, empties the outbox, closes the link.
 * Each step is bounded, and all of them together by `timeoutMs`, give or take the closing of the link.
 *
 * @returns whether everything was delivered
 */
export async function shutDown(parts: {
  readonly cloud: Cloud | undefined
  readonly runner: { close(graceMs: number): Promise<void> }
  readonly clock: Clock
  readonly waitForReplies: boolean
  readonly timeoutMs: number
}): Promise<boolean> {
  const { cloud, runner, clock, waitForReplies, timeoutMs } = parts
  const endMs = clock.monotonicMs() + timeoutMs
  const leftMs = () => Math.max(0, endMs - clock.monotonicMs())
  cloud?.stopCalls()
  // Half of the time at most: the answers must be sent as well.
  await runner.close(Math.min(actionGraceMs, timeoutMs / 2))
  if (cloud === undefined) return true
  // Without a link there is no time to spend, unless the caller wants to wait.
  const flushMs = waitForReplies ? leftMs() : cloud.isUp ? Math.min(farewellMs, leftMs()) : 0
  const delivered = await cloud.flush(flushMs)
  await cloud.close(Math.max(minLinkCloseMs, Math.min(maxLinkCloseMs, leftMs())))
  return delivered
}
