// SPDX-License-Identifier: Apache-2.0
import { backoffMs } from '../../base/backoff.ts'
import type { Clock } from '../../base/clock.ts'
import { type AgentError, asAgentError, type ErrorCode, retold } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { sleep, throwIfAborted } from '../../base/wait.ts'
import { fileLimits, retryBackoff } from './limits.ts'

/** Thrown by an attempt that must be the last one although its failure could pass. */
export class GiveUp extends Error {
  readonly failure: AgentError

  constructor(failure: AgentError) {
    super(failure.message)
    this.failure = failure
  }
}

export interface TriesOptions {
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
  /** What is tried, for messages: `the download of "a.txt"`. */
  readonly what: string
  /** Bytes that count as reached for good; may only grow. Absent: every try starts from nothing. */
  readonly reachedBytes?: () => number
}

/**
 * Runs `attempt` until it succeeds, fails for good, or has failed {@link fileLimits.triesInARow} times in a row without getting
 * {@link fileLimits.progressBytes} further: a bad link that moves a large file bit by bit may continue, an endless loop may not.
 *
 * @param attempt gets the number of the try, from 1
 */
export async function untilDone<T>(options: TriesOptions, attempt: (number: number) => Promise<T>): Promise<T> {
  const { clock, log, signal, what, reachedBytes } = options
  let inARow = 0
  let countedBytes = 0
  for (let number = 1; ; number++) {
    throwIfAborted(signal)
    try {
      return await attempt(number)
    } catch (thrown) {
      throwIfAborted(signal)
      const error = thrown instanceof GiveUp ? thrown.failure : asAgentError(thrown)
      const bytes = reachedBytes?.() ?? 0
      const progressed = bytes >= countedBytes + fileLimits.progressBytes
      if (progressed) countedBytes = bytes
      inARow = progressed ? 1 : inARow + 1
      if (thrown instanceof GiveUp || !mayTryAgain(error)) throw number === 1 ? error : gaveUp(what, number, error)
      if (inARow >= fileLimits.triesInARow) throw gaveUp(what, number, error)
      const delayMs = Math.max(backoffMs(retryBackoff, inARow - 1, clock.random()), askedWaitMs(error))
      log.warn(`${what} failed and is tried again`, {
        tries: number,
        delayMs: Math.round(delayMs),
        code: error.code,
        error,
      })
      await sleep(clock, delayMs, signal)
    }
  }
}

/** Failures that pass, but not within the minute or two of a transfer: they are reported to the caller at once. */
const notNow: ReadonlySet<ErrorCode> = new Set([
  'CERTIFICATE_REFUSED',
  'CERTIFICATE_EXPIRED',
  'PROXY_REFUSED',
  'DISK_FULL',
])

function mayTryAgain(error: AgentError): boolean {
  return error.retryable && !notNow.has(error.code)
}

function askedWaitMs(error: AgentError): number {
  const { retryAfterMs } = error.details
  return typeof retryAfterMs === 'number' ? retryAfterMs : 0
}

function gaveUp(what: string, tries: number, error: AgentError): AgentError {
  return retold(error, `${what} failed after ${tries} tries: ${error.message}`, { tries })
}
