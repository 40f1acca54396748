// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../base/errors.ts'
import { closestName } from '../../config/suggestion.ts'
import type { Command, Flag, Invocation, Operand } from './command.ts'

/** `-5`, `-0.5`, `-1e3`: a number, not a flag. */
const negativeNumber = /^-(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i

/** Flags that every command has. */
export const helpFlag: Flag = { name: 'help', short: 'h', summary: 'Show this help.' }
export const traceFlag: Flag = { name: 'trace', summary: 'Show errors with their causes and full stack traces.' }
export const commonFlags: readonly Flag[] = [traceFlag, helpFlag]

/** For commands whose result programs may read. */
export const jsonFlag: Flag = { name: 'json', summary: 'Print JSON, for programs.' }

/**
 * Checks the arguments after a command's name against its flags and operands.
 * Understands `--flag value`, `--flag=value`, `-f value`, `-fvalue`, `-ab`, `--` and the old spelling with `_`.
 *
 * @throws AgentError `USAGE`, naming the argument that is wrong
 */
export function parseInvocation(command: Command, args: readonly string[]): Invocation {
  const expected = command.operands ?? []
  const operands: string[] = []
  const flags = new FlagParser(command, args)
  for (let arg = flags.next(); arg !== undefined; arg = flags.next()) {
    if (takesRest(expected, operands.length)) {
      operands.push(arg, ...flags.rest())
      break
    }
    if (arg === '--') {
      operands.push(...flags.rest())
      break
    }
    if (arg.startsWith('--')) flags.takeLong(arg)
    else if (arg.length > 1 && arg.startsWith('-') && !negativeNumber.test(arg)) flags.takeShort(arg)
    else operands.push(arg)
  }
  const { given } = flags
  if (!given.has(helpFlag.name)) checkOperands(command, expected, operands)
  return {
    operands,
    has: flag => given.has(flag),
    value: flag => given.get(flag)?.at(-1),
    values: flag => given.get(flag) ?? [],
  }
}

/** Whether all arguments from here on belong to the last operand: `run APP --its-own-flag`. */
function takesRest(expected: readonly Operand[], taken: number): boolean {
  return expected.at(-1)?.rest === true && taken >= expected.length - 1
}

/** Takes arguments from the front of a command line, and collects the values of its flags. */
class FlagParser {
  /** The values of each flag by its long name; those of a switch are empty. */
  readonly given = new Map<string, string[]>()
  readonly #command: Command
  readonly #flags: readonly Flag[]
  readonly #left: string[]

  constructor(command: Command, args: readonly string[]) {
    this.#command = command
    this.#flags = [...command.flags, ...commonFlags]
    this.#left = [...args]
  }

  next(): string | undefined {
    return this.#left.shift()
  }

  rest(): readonly string[] {
    return this.#left
  }

  /** `--flag`, `--flag=value`, or `--flag` with the next argument as its value. */
  takeLong(arg: string): void {
    const [, spelled = '', value] = /^--([^=]*)(?:=([\s\S]*))?$/.exec(arg) ?? []
    const name = spelled.replaceAll('_', '-')
    const flag = this.#flags.find(one => one.name === name || one.aliases?.includes(name))
    if (flag === undefined) throw this.#unknown(spelled, name)
    if (flag.value === undefined && value !== undefined) throw usage(this.#command, `--${flag.name} takes no value`)
    this.#add(flag, value)
  }

  /** `-f`, `-fvalue`, `-f=value`, `-f` with the next argument as its value, or several switches as one: `-ab`. */
  takeShort(arg: string): void {
    for (let at = 1; at < arg.length; at++) {
      const letter = arg.charAt(at)
      const flag = this.#flags.find(one => one.short === letter)
      if (flag === undefined) throw usage(this.#command, `there is no flag -${letter}`)
      if (flag.value === undefined) {
        this.#add(flag)
        continue
      }
      const rest = arg.slice(at + 1)
      this.#add(flag, rest === '' ? undefined : rest.replace(/^=/, ''))
      return
    }
  }

  #add(flag: Flag, value?: string): void {
    const text = value ?? (flag.value === undefined ? '' : this.#valueOf(flag))
    const values = this.given.get(flag.name) ?? []
    if (values.length > 0 && flag.value !== undefined && !flag.several)
      throw usage(this.#command, `--${flag.name} is given twice`)
    this.given.set(flag.name, [...values, text])
  }

  #valueOf(flag: Flag): string {
    const value = this.next()
    if (value === undefined) throw usage(this.#command, `--${flag.name} needs a value (${flag.value})`)
    return value
  }

  #unknown(spelled: string, name: string): AgentError {
    const near = closestName(
      name,
      this.#flags.map(one => one.name),
    )
    const hint = near === undefined ? '' : `; did you mean --${near}?`
    return usage(this.#command, `there is no flag --${spelled}${hint}`)
  }
}

function checkOperands(command: Command, expected: readonly Operand[], operands: readonly string[]): void {
  const missing = expected[operands.length]
  if (missing !== undefined && !missing.optional) throw usage(command, `${missing.name} is missing`)
  if (operands.length > expected.length && !expected.at(-1)?.rest)
    throw usage(command, `"${operands[expected.length]}" is one argument too many`)
}

/** A `USAGE` error of one command. */
export function usage(command: Pick<Command, 'name'>, problem: string): AgentError {
  return new AgentError('USAGE', `${command.name}: ${problem}${problem.endsWith('?') ? '' : '.'}`, {
    details: { command: command.name },
  })
}
