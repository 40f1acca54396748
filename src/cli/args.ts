import { AgentError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { heldNumber } from '../base/number-text.ts'
import type { Invocation } from './command.ts'
import { usage } from './flags.ts'

const plainNumber = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i

/** A word of the command line as a number. Throws `USAGE` naming it, and `INVALID_ARGUMENT` for digits that a number cannot carry. */
export function numberArg(command: string, what: string, word: string): number {
  const text = word.trim()
  if (!plainNumber.test(text)) throw usage({ name: command }, `${what} must be a number, not "${word}"`)
  const value = heldNumber(text)
  if (value !== undefined) return value
  const isTooLarge = !Number.isFinite(Number(text))
  const problem = isTooLarge
    ? `${what} is ${text}, and no number of the cloud is that large`
    : `${what} is ${text}, and a number of the cloud has about 16 digits`
  const asText = 'Publish it with "device-cloud publish attribute"'
  const remedy = isTooLarge ? `${asText}.` : `${asText}; or round it, as in 9.007e15.`
  throw new AgentError('INVALID_ARGUMENT', `${command}: ${problem}.`, { details: { command }, remedy })
}

/** The flags of `names` that were given, as numbers. */
export function numberFlags(command: string, invocation: Invocation, names: readonly string[]): JsonObject {
  return Object.fromEntries(
    names.flatMap(name => {
      const word = invocation.value(name)
      return word === undefined ? [] : [[name, numberArg(command, `--${name}`, word)]]
    }),
  )
}

/** An operand that the parser has made sure of. */
export function operand(invocation: Invocation, index: number): string {
  const word = invocation.operands[index]
  if (word === undefined) throw new AgentError('INTERNAL', `operand ${index} is missing`)
  return word
}
