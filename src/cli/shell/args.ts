// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import { heldNumber } from '../../base/number-text.ts'
import type { Flag, Invocation } from './command.ts'
import { usage } from './flags.ts'

const plainNumber = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i

/**
 * An argument as a number.
 *
 * @param what the operand or flag, for the error
 * @throws AgentError `USAGE` when it is not a number, `INVALID_ARGUMENT` when it has more digits than a number can hold
 */
export function numberArg(command: string, what: string, arg: string): number {
  const text = arg.trim()
  if (!plainNumber.test(text)) throw usage({ name: command }, `${what} must be a number, not "${arg}"`)
  const value = heldNumber(text)
  if (value !== undefined) return value
  const isTooLarge = !Number.isFinite(Number(text))
  const problem = isTooLarge
    ? `${what} is ${text}, and no number of the cloud is that large`
    : `${what} is ${text}, and a number of the cloud has about 16 digits`
  const asText = 'Publish it with "device-cloud publish attribute"'
  const remedy = isTooLarge ? `${asText}.` : `${asText}, or round it, as in 9.007e15.`
  throw new AgentError('INVALID_ARGUMENT', `${command}: ${problem}.`, { details: { command }, remedy })
}

/** The values of those of `flags` that were given, as numbers by the name of the flag. */
export function numberFlags(command: string, invocation: Invocation, flags: readonly Pick<Flag, 'name'>[]): JsonObject {
  return Object.fromEntries(
    flags.flatMap(({ name }) => {
      const value = numberFlag(command, invocation, name)
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

/** The value of a flag as a number, or undefined when it was not given. */
export function numberFlag(command: string, invocation: Invocation, name: string): number | undefined {
  const value = invocation.value(name)
  return value === undefined ? undefined : numberArg(command, `--${name}`, value)
}

/** An operand that is not optional: the parser has checked that it is there. */
export function operand(invocation: Invocation, index: number): string {
  const value = invocation.operands[index]
  if (value === undefined) throw new AgentError('INTERNAL', `Operand ${index} is missing.`)
  return value
}
