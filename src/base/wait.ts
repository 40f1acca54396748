// SPDX-License-Identifier: Apache-2.0
import type { Clock, TimerOptions } from './clock.ts'
import { AgentError } from './errors.ts'

/** The reason of an aborted signal as an error: an {@link AgentError} stays what it is, anything else becomes `ABORTED`. */
export function abortReason(signal: AbortSignal): AgentError {
  const reason: unknown = signal.reason
  return reason instanceof AgentError
    ? reason
    : new AgentError('ABORTED', 'The caller ended the wait.', { cause: reason })
}

/** Throws {@link abortReason} when `signal` is aborted already. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortReason(signal)
}

/**
 * Runs `start` with callbacks to settle; the wait ends with the abort reason when `signal` fires first.
 * `start` may return a function that undoes what it set up; it is called once on every outcome, and no listener stays behind.
 */
export function waitFor<T>(
  signal: AbortSignal | undefined,
  start: (resolve: (value: T) => void, reject: (error: unknown) => void) => (() => void) | undefined,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    if (signal?.aborted) return reject(abortReason(signal))
    let settled = false
    let undo: (() => void) | undefined
    const finish = (settle: () => void) => {
      if (settled) return
      settled = true
      signal?.removeEventListener('abort', onAbort)
      undo?.()
      settle()
    }
    const onAbort = () => finish(() => reject(signal ? abortReason(signal) : undefined))
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      undo = start(
        value => finish(() => resolve(value)),
        error => finish(() => reject(error)),
      )
      if (settled) undo?.()
    } catch (error) {
      finish(() => reject(error))
    }
  })
}

/** Resolves after `delayMs`; rejects with the abort reason when `signal` fires first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal, options?: TimerOptions): Promise<void> {
  return waitFor<void>(signal, resolve => {
    const timer = clock.timer(delayMs, () => resolve(), options)
    return () => timer.cancel()
  })
}

/** The result of `work`, or the error of `onTimeout` after `timeoutMs`. `work` is stopped only by the signal that it gets. */
export function withDeadline<T>(
  clock: Clock,
  timeoutMs: number,
  onTimeout: () => AgentError,
  work: (signal: AbortSignal) => Promise<T>,
  parent?: AbortSignal,
): Promise<T> {
  const controller = new AbortController()
  return waitFor<T>(parent, (resolve, reject) => {
    const timer = clock.timer(timeoutMs, () => {
      const error = onTimeout()
      controller.abort(error)
      reject(error)
    })
    work(controller.signal).then(resolve, reject)
    return () => {
      timer.cancel()
      // Only after an early end (the parent's abort) is `work` still running.
      if (parent?.aborted && !controller.signal.aborted) controller.abort(abortReason(parent))
    }
  })
}

/** Resolves after one turn of the event loop, so that long work lets everything else run in between. */
export function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
