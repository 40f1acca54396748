import { AgentError } from '../base/errors.ts'
import { closestName } from '../config/suggestion.ts'
import type { Command, Flag, Invocation, Operand } from './command.ts'

/** `-5`, `-0.5`, `-1e3`: a number, not a flag. */
const negativeNumber = /^-(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i

/** Flags that every command has. */
export const helpFlag: Flag = { name: 'help', short: 'h', summary: 'Show this help.' }
export const traceFlag: Flag = { name: 'trace', summary: 'Show errors with their causes and every frame.' }
export const commonFlags: readonly Flag[] = [traceFlag, helpFlag]

/**
 * The arguments after a command's name, checked against its flags and operands.
 * Understands `--flag value`, `--flag=value`, `-f value`, `-fvalue`, `-ab`, `--` and the old spelling with `_`.
 *
 * @throws AgentError `USAGE`, naming the argument that is wrong
 */
export function parseInvocation(command: Command, args: readonly string[]): Invocation {
  const flags = [...command.flags, ...commonFlags]
  const given = new Map<string, string[]>()
  const operands: string[] = []
  const expected = command.operands ?? []
  const queue = [...args]
  for (let arg = queue.shift(); arg !== undefined; arg = queue.shift()) {
    if (takesRest(expected, operands.length)) {
      operands.push(arg, ...queue)
      break
    }
    if (arg === '--') {
      operands.push(...queue)
      break
    }
    if (arg.startsWith('--')) takeLong(command, flags, arg, queue, given)
    else if (arg.length > 1 && arg.startsWith('-') && !negativeNumber.test(arg))
      takeShort(command, flags, arg, queue, given)
    else operands.push(arg)
  }
  if (!given.has(helpFlag.name)) checkOperands(command, expected, operands)
  return {
    operands,
    has: flag => given.has(flag),
    value: flag => given.get(flag)?.at(-1),
    values: flag => given.get(flag) ?? [],
  }
}

/** Whether everything from here on belongs to the last operand's program: `run APP --its-own-flag`. */
function takesRest(expected: readonly Operand[], taken: number): boolean {
  return expected.at(-1)?.rest === true && taken >= expected.length - 1
}

function takeLong(
  command: Command,
  flags: readonly Flag[],
  arg: string,
  queue: string[],
  given: Map<string, string[]>,
): void {
  const equals = arg.indexOf('=')
  const spelled = equals < 0 ? arg.slice(2) : arg.slice(2, equals)
  const name = spelled.replaceAll('_', '-')
  const flag = flags.find(one => one.name === name || one.aliases?.includes(name))
  if (flag === undefined) {
    const near = closestName(
      name,
      flags.map(one => one.name),
    )
    throw usage(command, `there is no flag --${spelled}${near === undefined ? '' : `; did you mean --${near}?`}`)
  }
  if (flag.value === undefined) {
    if (equals >= 0) throw usage(command, `--${flag.name} takes no value`)
    add(command, given, flag, '')
  } else add(command, given, flag, equals < 0 ? nextArg(command, flag, queue) : arg.slice(equals + 1))
}

function takeShort(
  command: Command,
  flags: readonly Flag[],
  arg: string,
  queue: string[],
  given: Map<string, string[]>,
): void {
  for (let at = 1; at < arg.length; at++) {
    const letter = arg.charAt(at)
    const flag = flags.find(one => one.short === letter)
    if (flag === undefined) throw usage(command, `there is no flag -${letter}`)
    if (flag.value === undefined) {
      add(command, given, flag, '')
      continue
    }
    const rest = arg.slice(at + 1)
    add(command, given, flag, rest === '' ? nextArg(command, flag, queue) : rest.replace(/^=/, ''))
    return
  }
}

function nextArg(command: Command, flag: Flag, queue: string[]): string {
  const value = queue.shift()
  if (value === undefined) throw usage(command, `--${flag.name} needs a value (${flag.value})`)
  return value
}

function add(command: Command, given: Map<string, string[]>, flag: Flag, value: string): void {
  const values = given.get(flag.name) ?? []
  if (values.length > 0 && flag.value !== undefined && !flag.several)
    throw usage(command, `--${flag.name} is given twice`)
  given.set(flag.name, [...values, value])
}

function checkOperands(command: Command, expected: readonly Operand[], operands: readonly string[]): void {
  const missing = expected[operands.length]
  if (missing !== undefined && !missing.optional) throw usage(command, `${missing.name} is missing`)
  if (operands.length > expected.length && !expected.at(-1)?.rest)
    throw usage(command, `"${operands[expected.length]}" is one word too many`)
}

/** A `USAGE` error of one command. */
export function usage(command: Pick<Command, 'name'>, problem: string): AgentError {
  return new AgentError('USAGE', `${command.name}: ${problem}${problem.endsWith('?') ? '' : '.'}`, {
    details: { command: command.name },
  })
}
