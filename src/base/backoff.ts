// SPDX-License-Identifier: Apache-2.0
export interface BackoffPolicy {
  readonly firstMs: number
  readonly maxMs: number
}

/**
 * Exponential backoff with jitter: the n-th delay is drawn evenly from the upper half of `firstMs * 2^n`, at most `maxMs`.
 * The half that is always waited keeps a lone device polite; the half that is drawn keeps a fleet from marching in step.
 *
 * @param attempt how many tries have failed before, from 0
 * @param random a number in [0, 1)
 */
export function backoffMs(policy: BackoffPolicy, attempt: number, random: number): number {
  const ceiling = Math.min(policy.maxMs, policy.firstMs * 2 ** Math.min(attempt, 52))
  return ceiling / 2 + (ceiling / 2) * random
}
