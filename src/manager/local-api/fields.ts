// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import { heldNumber } from '../../base/number-text.ts'
import { writtenNumbers } from '../../base/written-json.ts'
import { checkNames } from '../../config/known-options.ts'
import { unheld } from '../../protocol/sample-fields.ts'

/** A text member of a request. Throws `INVALID_ARGUMENT` naming it. */
export function textField(body: JsonObject, name: string): string {
  const value = body[name]
  if (typeof value !== 'string' || writtenNumbers(body)?.[name] !== undefined) throw wrong(name, 'a string', value)
  return value
}

export function optionalText(body: JsonObject, name: string): string | undefined {
  return body[name] === undefined ? undefined : textField(body, name)
}

/** A number member of a request. Throws `INVALID_ARGUMENT` naming it; also for digits that a number cannot carry. */
export function numberField(body: JsonObject, name: string): number {
  const digits = writtenNumbers(body)?.[name]
  const value = digits === undefined ? body[name] : heldNumber(digits)
  if (value === undefined && digits !== undefined) throw unheld(`"${name}"`, digits)
  if (typeof value !== 'number') throw wrong(name, 'a number', value)
  return value
}

export function optionalNumber(body: JsonObject, name: string): number | undefined {
  return body[name] === undefined ? undefined : numberField(body, name)
}

export function optionalBoolean(body: JsonObject, name: string): boolean | undefined {
  const value = body[name]
  if (value !== undefined && typeof value !== 'boolean') throw wrong(name, 'true or false', value)
  return value
}

export function optionalTexts(body: JsonObject, name: string): readonly string[] | undefined {
  const value = body[name]
  if (value === undefined) return undefined
  const texts = Array.isArray(value) ? value.filter(one => typeof one === 'string') : []
  if (!Array.isArray(value) || texts.length < value.length) throw wrong(name, 'a list of strings', value)
  return texts
}

/** Refuses a member that a request does not take, instead of ignoring it. Throws `INVALID_ARGUMENT` naming it. */
export function checkMembers(what: string, body: JsonObject, names: readonly string[]): void {
  checkNames(what, 'member', body, ['v', 'id', 'do', ...names])
}

/** A whole number of seconds up to a day, as milliseconds. */
export function optionalSeconds(body: JsonObject, name: string): number | undefined {
  const seconds = optionalNumber(body, name)
  if (seconds === undefined) return undefined
  if (!(seconds >= 0 && seconds <= 86_400))
    throw new AgentError('INVALID_ARGUMENT', `"${name}" must be 0 to 86400 seconds.`)
  return seconds * 1000
}

function wrong(name: string, expected: string, value: unknown): AgentError {
  return new AgentError(
    'INVALID_ARGUMENT',
    `"${name}" must be ${expected}${value === undefined ? '; it is missing' : ''}.`,
  )
}
