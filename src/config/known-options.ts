// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../base/errors.ts'
import { closestName } from './suggestion.ts'

/** Every name of an options type, written down once: the compiler reports a missing name, and one that the type does not have. */
export type OptionNames<Options> = { readonly [Name in keyof Options]-?: true }

/** Throws `INVALID_ARGUMENT` for options that are no object, or that have a name which the call does not take. */
export type OptionsCheck = (given: unknown) => void

const maxShown = 60

/**
 * A check of the options of one call, for callers without a compiler: an option that would silently have no effect is refused.
 * A member that is undefined counts as absent, whatever its name.
 *
 * @param call the name by which the caller knows it, `telemetry.publish`
 */
export function optionsCheck<Options>(call: string, names: OptionNames<Options>): OptionsCheck {
  const known = Object.keys(names)
  return given => {
    if (given !== undefined) checkNames(call, 'option', given, known)
  }
}

/**
 * As {@link optionsCheck}, where the names or the call are known only when it is made.
 *
 * @param kind what a member of the object is called, `option`
 */
export function checkNames(call: string, kind: string, given: unknown, known: readonly string[]): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new AgentError('INVALID_ARGUMENT', `The ${kind}s of ${call} must be an object.`, { details: { call } })
  for (const [name, value] of Object.entries(given))
    if (value !== undefined && !known.includes(name)) throw unknownName(call, kind, name, known)
}

function unknownName(call: string, kind: string, name: string, known: readonly string[]): AgentError {
  const shown = name.slice(0, maxShown)
  const near = nearName(shown, known)
  const meant = near === undefined ? '' : ` Did you mean "${near}"?`
  const message = `${call} has no ${kind} "${shown}".${meant} It takes ${known.join(', ')}.`
  const remedy = near === undefined ? 'Remove it.' : `Write "${near}", or remove it.`
  return new AgentError('INVALID_ARGUMENT', message, { remedy, details: { call, argument: shown, allowed: known } })
}

/** Names on the wire are often abbreviations of ours: "lat" for "latitude". */
function nearName(name: string, known: readonly string[]): string | undefined {
  const close = closestName(name, known)
  return close ?? (name.length < 3 ? undefined : known.find(one => one.toLowerCase().startsWith(name.toLowerCase())))
}
