import { AgentError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import type { Invocation } from './command.ts'
import { usage } from './flags.ts'

const plainNumber = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i

/** A word of the command line as a number. Throws `USAGE` naming it: a shell script must not publish a wrong 0. */
export function numberWord(command: string, what: string, word: string): number {
  const value = plainNumber.test(word.trim()) ? Number(word) : Number.NaN
  if (!Number.isFinite(value)) throw usage({ name: command }, `${what} must be a number, not "${word}"`)
  return value
}

/** The flags of `names` that were given, as numbers. */
export function numberFlags(command: string, invocation: Invocation, names: readonly string[]): JsonObject {
  return Object.fromEntries(
    names.flatMap(name => {
      const word = invocation.value(name)
      return word === undefined ? [] : [[name, numberWord(command, `--${name}`, word)]]
    }),
  )
}

/** An operand that the parser has made sure of. */
export function operand(invocation: Invocation, index: number): string {
  const word = invocation.operands[index]
  if (word === undefined) throw new AgentError('INTERNAL', `operand ${index} is missing`)
  return word
}
