// SPDX-License-Identifier: Apache-2.0
import type { JsonObject } from '../../base/json.ts'
import type { Log } from '../../base/log.ts'
import { type Capability, type Closure, closureOf } from '../../config/closure.ts'
import type { ConfigProblem } from '../../config/settings.ts'
import { formatProblem } from '../../config/values.ts'

/** The capability that a switch of `actions_enabled` needs besides being on. */
const neededBy: Readonly<Record<string, Capability>> = {
  file_transfers: 'file_transfer',
  remote_login: 'remote_access',
  software_update: 'ota',
}

/** How many mistakes one event names; the log and `status` name more. */
const maxInEvent = 10
const maxReported = 100

/**
 * The capabilities that mistakes in the configuration have closed: says why an action does nothing, and reports it to the owner
 * in the log, in `status` and in the events of the thing.
 */
export class ClosedCapabilities {
  readonly #log: Log
  readonly #publish: (text: string, level: 'error' | 'info') => Promise<unknown>
  #closures: readonly Closure[] = []
  #reported = ''

  constructor(parts: {
    readonly log: Log
    /** Publishes an event of the thing. */
    readonly publish: (text: string, level: 'error' | 'info') => Promise<unknown>
  }) {
    this.#log = parts.log
    this.#publish = parts.publish
  }

  /** Takes what the configuration that was just read closes; what it no longer closes is open again. */
  set(closures: readonly Closure[]): void {
    this.#closures = closures
  }

  isClosed(capability: Capability): boolean {
    return closureOf(this.#closures, capability) !== undefined
  }

  /** Why a capability is closed, as the answer to a caller; undefined when it is open. */
  why(capability: Capability): string | undefined {
    const closure = closureOf(this.#closures, capability)
    return closure && textOf(closure)
  }

  /** The answer to a call of an action with this switch, which does not run; undefined when nothing has closed it. */
  whyClosed(switchName: string): string | undefined {
    const needed = Object.hasOwn(neededBy, switchName) ? neededBy[switchName] : undefined
    const closure =
      closureOf(this.#closures, `actions_enabled.${switchName}`) ??
      (needed === undefined ? undefined : closureOf(this.#closures, needed))
    return closure && textOf(closure)
  }

  /** Logs what is closed; publishes one event when that has changed. */
  report(): void {
    for (const { names, problem } of byProblem(this.#closures).slice(0, maxReported)) {
      const { file, line, key, remedy, didYouMean } = problem
      this.#log.error(`${names} is closed: ${problem.problem}`, { file, line, key, remedy, didYouMean })
    }
    const text = eventText(this.#closures)
    if (text === this.#reported) return
    const event = text === '' ? 'The configuration has no mistakes any more: nothing is closed.' : text
    this.#reported = text
    this.#publish(event, text === '' ? 'info' : 'error').catch(error =>
      this.#log.warn('event of closed capabilities not published', { error }),
    )
  }

  /** For `status`. */
  list(): readonly JsonObject[] {
    return this.#closures.slice(0, maxReported).map(({ capability, problem }) => {
      const { file, line, key } = problem
      return { capability, file, line, key, text: formatProblem(problem) }
    })
  }
}

function textOf({ problem }: Closure): string {
  return `closed because of a mistake in the configuration: ${formatProblem(problem)}`
}

/** One mistake may close several capabilities, and is reported once. */
function byProblem(
  closures: readonly Closure[],
): readonly { readonly names: string; readonly problem: ConfigProblem }[] {
  const names = new Map<ConfigProblem, string[]>()
  for (const { capability, problem } of closures) names.set(problem, [...(names.get(problem) ?? []), capability])
  return [...names].map(([problem, capabilities]) => ({ names: capabilities.join(', '), problem }))
}

function eventText(closures: readonly Closure[]): string {
  if (closures.length === 0) return ''
  const problems = byProblem(closures)
  const named = problems.slice(0, maxInEvent).map(({ names, problem }) => `${names}: ${formatProblem(problem)}`)
  const more =
    problems.length > maxInEvent ? ` And ${problems.length - maxInEvent} more, see "device-cloud status".` : ''
  return `Closed because of mistakes in the configuration: ${named.join(' ')}${more}`
}
