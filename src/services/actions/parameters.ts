// SPDX-License-Identifier: Apache-2.0
import type { Json, JsonObject } from '../../base/json.ts'
import type { WrittenNumbers } from '../../base/written-json.ts'

/** The types that a parameter of an action may have. */
export type ParameterType = 'string' | 'number' | 'integer' | 'boolean'

/** What an action expects of one parameter. */
export interface ParameterRule {
  readonly type: ParameterType
  /** Whether a call without it is refused (default false). */
  readonly required?: boolean | undefined
}

/** What an action expects: parameter name → rule. Parameters that are not named here pass through unchecked. */
export type ParameterRules = Readonly<Record<string, ParameterRule>>

const wording: Record<ParameterType, string> = {
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
}

/** Whether `type` is one of {@link ParameterType}; for callers that are not checked by TypeScript. */
export function isParameterType(type: unknown): type is ParameterType {
  return typeof type === 'string' && Object.hasOwn(wording, type)
}

/**
 * What is wrong with `params`, as a sentence that names the parameter; undefined when nothing is. A null counts as absent.
 *
 * @param takesWritten the action takes numbers as they are written, including those that JavaScript cannot hold
 */
export function parameterProblem(
  rules: ParameterRules,
  { params, written = {} }: { readonly params: JsonObject; readonly written?: WrittenNumbers },
  takesWritten = false,
): string | undefined {
  for (const [name, { type, required }] of Object.entries(rules)) {
    const value = Object.hasOwn(params, name) ? params[name] : undefined
    if (value === undefined || value === null) {
      if (required) return `parameter "${name}" is missing; it must be ${wording[type]}.`
      continue
    }
    const digits = typeof value === 'string' && Object.hasOwn(written, name) ? written[name] : undefined
    if (digits !== undefined) {
      if (takesWritten && isNumberOf(type, digits)) continue
      const size = type === 'string' || type === 'boolean' ? '' : ', which is more than JavaScript can hold'
      return `parameter "${name}" must be ${wording[type]}, not the number ${digits.slice(0, 100)}${size}.`
    }
    if (!hasType(type, value)) return `parameter "${name}" must be ${wording[type]}, not ${typeName(value)}.`
  }
  return undefined
}

function isNumberOf(type: ParameterType, digits: string): boolean {
  return type === 'number' || (type === 'integer' && /^-?\d+$/.test(digits))
}

function hasType(type: ParameterType, value: Json): boolean {
  if (type === 'integer') return Number.isSafeInteger(value)
  return typeof value === type
}

function typeName(value: Json): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  if (typeof value === 'string') return 'text'
  return typeof value === 'number' ? `the number ${value}` : String(value)
}
