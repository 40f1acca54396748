// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import { AgentError } from '../../base/errors.ts'
import { sleep, throwIfAborted } from '../../base/wait.ts'
import type { Check, Skip } from '../checks/run-checks.ts'
import type { Device } from './device.ts'
import type { Operator } from './operator.ts'

/** What bounds the time of a check. */
export interface CheckBounds {
  readonly clock: Clock
  /** How long one check may take. */
  readonly timeoutMs: number
  /** Aborted when the user interrupts the command. */
  readonly signal: AbortSignal
}

/** What every check of the library uses: a device on one side of the cloud, an operator on the other. */
export interface ValidationContext extends CheckBounds {
  readonly device: Device
  readonly operator: Operator
  /** Name of the alarm to publish. The thing definition of the cloud must have it. */
  readonly alarm: string
}

/** The check of one feature: one side acts, and the other side must see it. */
export interface ValidationCheck<S extends CheckBounds = ValidationContext> {
  readonly name: string
  /** The names of the checks that it needs (default: both logins). */
  readonly needs?: readonly string[]
  /** Resolves to a text that says what was seen. Rejects `NOT_PROVEN` when the cloud shows something else, or with what failed. */
  run(context: S, signal: AbortSignal): Promise<string | Skip>
}

/** The logins that every other check needs. */
export const logins = ['operator login', 'device login'] as const

/** The check as "runChecks" takes it, with its deadline. */
export function boundedCheck<S extends CheckBounds>(
  { name, needs = logins, run }: ValidationCheck<S>,
  context: S,
): Check {
  return {
    name,
    needs,
    run: () => {
      if (context.signal.aborted) return Promise.resolve({ skip: 'interrupted' })
      return bounded(context, signal => run(context, signal))
    },
  }
}

async function bounded<T>(
  { clock, timeoutMs, signal }: CheckBounds,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const late = new AgentError('TIMEOUT', `The check did not pass within ${timeoutMs / 1000} s.`)
  const timer = clock.timer(timeoutMs, () => controller.abort(late))
  const onAbort = () => controller.abort(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await work(controller.signal)
  } finally {
    timer.cancel()
    signal.removeEventListener('abort', onAbort)
  }
}

/** Throws `NOT_PROVEN` unless `seen` equals `wanted`. The message calls it `what`. */
export function expectSame(what: string, seen: unknown, wanted: unknown): void {
  const [one, other] = [JSON.stringify(seen), JSON.stringify(wanted)]
  if (one !== other) throw notProven(`${what} is ${shortened(one ?? 'missing')}, not ${shortened(other ?? 'missing')}`)
}

export function notProven(message: string, cause?: unknown): AgentError {
  return new AgentError('NOT_PROVEN', message, { cause })
}

const pollMs = 150

/**
 * Repeats `probe` until it resolves, because a cloud may show a change only some time after it accepted it.
 *
 * @throws the last failure of `probe` when `signal` aborts: it says more than the timeout does
 */
export async function until<T>({ clock }: CheckBounds, signal: AbortSignal, probe: () => Promise<T>): Promise<T> {
  let last: unknown
  for (;;) {
    try {
      throwIfAborted(signal)
      return await probe()
    } catch (error) {
      const isFinal = !(error instanceof AgentError) || !mayPass.has(error.code)
      // The failure of an aborted probe says only that it was aborted.
      if (isFinal) throw signal.aborted ? (last ?? error) : error
      last = error
      try {
        await sleep(clock, pollMs, signal)
      } catch {
        throw error
      }
    }
  }
}

/** The codes of failures that may be over at the next probe. */
const mayPass = new Set(['NOT_PROVEN', 'REFUSED_BY_CLOUD'])

function shortened(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
