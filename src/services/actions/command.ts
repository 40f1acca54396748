// SPDX-License-Identifier: Apache-2.0
import { AgentError, messageOf, withoutStop } from '../../base/errors.ts'
import type { Json, JsonObject } from '../../base/json.ts'
import type { WrittenNumbers } from '../../base/written-json.ts'
import { Status } from '../../protocol/status.ts'
import { failure } from './outcome.ts'
import type { ParameterRules } from './parameters.ts'
import type { ActionHandler, ActionOptions } from './registry.ts'

/** How a program ended. */
export interface ProgramResult {
  /** The exit code; absent when a signal ended it. */
  readonly exitCode?: number | undefined
  /** The name of the signal that ended it, such as `SIGTERM`. */
  readonly signal?: string | undefined
  /** What it wrote, at most {@link RunProgramOptions.maxOutputBytes}. */
  readonly stdout: string
  readonly stderr: string
  /** Whether it wrote more than was kept. */
  readonly truncated: boolean
}

export interface RunProgramOptions {
  /** Ends the program and everything that it started. */
  readonly signal: AbortSignal
  /** How much is kept of standard output, and as much again of standard error. */
  readonly maxOutputBytes: number
}

/** Runs a program without a shell; rejects when it cannot be started. Supplied by the platform. */
export type RunProgram = (argv: readonly string[], options: RunProgramOptions) => Promise<ProgramResult>

/** Options of a registered command. */
export interface CommandOptions extends ActionOptions {
  /** The parameters that the program takes; others are refused. Absent: every parameter with a harmless name is passed on. */
  readonly parameters?: ParameterRules | undefined
  /** How much of standard output, and of standard error, goes to the operator; default 16 KiB, at most 20 KiB. */
  readonly maxOutputBytes?: number | undefined
}

const defaultOutputBytes = 16 * 1024
// Both outputs fit into the params of an answer even when every byte is escaped as six characters.
const maxCapturedBytes = 20 * 1024
const maxArguments = 200
const maxValueBytes = 32 * 1024
const parameterName = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/

/**
 * A handler that runs a program with the parameters as `--name=value` (true → `--name`, false and null → left out). A number is
 * passed on exactly as the operator wrote it; a declared integer is passed in plain digits.
 * Exit code 0 is success; anything else is status 4, with `exitCode`, `stdout` and `stderr` in the params.
 *
 * @param program the path or name of the program, or the program and its fixed arguments; there is no shell in between
 * @throws AgentError `INVALID_ARGUMENT` when `program` is empty or an option is out of range
 */
export function commandHandler<Owner>(
  program: string | readonly string[],
  runProgram: RunProgram,
  options: CommandOptions = {},
): ActionHandler<Owner> {
  const argv = typeof program === 'string' ? [program] : [...program]
  if (argv.some(part => typeof part !== 'string' || part.includes('\0')) || (argv[0] ?? '') === '')
    throw new AgentError('INVALID_ARGUMENT', 'program must be a path, or a list of a path and arguments.')
  const { parameters, maxOutputBytes = defaultOutputBytes } = options
  if (!(maxOutputBytes >= 0 && maxOutputBytes <= maxCapturedBytes))
    throw new AgentError('INVALID_ARGUMENT', `maxOutputBytes must be from 0 to ${maxCapturedBytes}.`)
  return async ({ name, params, written = {} }, { signal }) => {
    const built = programArguments(params, written, parameters)
    if (typeof built === 'string') return failure(Status.BadParameter, built)
    let result: ProgramResult
    try {
      result = await runProgram([...argv, ...built], { signal, maxOutputBytes })
    } catch (error) {
      return failure(
        Status.ExecutionError,
        `${argv[0]} could not be run: ${withoutStop(messageOf(error))}${spaceHint(program)}`,
      )
    }
    return outcomeOfProgram(name, result)
  }
}

function outcomeOfProgram(name: string, result: ProgramResult) {
  const { exitCode, signal, stdout, stderr, truncated } = result
  const params: JsonObject = {
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(signal === undefined ? {} : { signal }),
    stdout,
    stderr,
    ...(truncated ? { truncated } : {}),
  }
  if (exitCode === 0) return { status: Status.Success, params }
  const how = exitCode === undefined ? `was ended by ${signal ?? 'a signal'}` : `ended with exit code ${exitCode}`
  return failure(Status.ExecutionError, `the program of "${name}" ${how}.`, params)
}

/** The arguments for `params`, or what is wrong with them. A value cannot become an option, because it stays attached to its name. */
function programArguments(
  params: JsonObject,
  written: WrittenNumbers,
  declared: ParameterRules | undefined,
): string[] | string {
  const built: string[] = []
  for (const [name, value] of Object.entries(params)) {
    if (declared !== undefined && !Object.hasOwn(declared, name))
      return `the parameter "${shortened(name)}" is not known.`
    if (!parameterName.test(name)) return `the parameter name "${shortened(name)}" is not allowed.`
    const isPlain = typeof value === 'number' && declared?.[name]?.type === 'integer'
    const number = !isPlain && Object.hasOwn(written, name) ? written[name] : undefined
    const argument = argumentOf(name, number ?? value)
    if (argument === undefined) return `the parameter "${name}" must be text, a number, or true or false.`
    if (argument.includes('\0')) return `the parameter "${name}" holds a zero byte.`
    if (Buffer.byteLength(argument) > maxValueBytes)
      return `the parameter "${name}" is longer than ${maxValueBytes} bytes.`
    if (argument !== '') built.push(argument)
    if (built.length > maxArguments) return `there are more than ${maxArguments} parameters.`
  }
  return built
}

/** `--name=value`; empty when the argument is left out, undefined when the value cannot be one. */
function argumentOf(name: string, value: Json | undefined): string | undefined {
  if (value === undefined || value === null || value === false) return ''
  if (value === true) return `--${name}`
  return typeof value === 'string' || typeof value === 'number' ? `--${name}=${value}` : undefined
}

function shortened(name: string): string {
  return name.length > 64 ? `${name.slice(0, 64)}…` : name
}

/** Developers who are used to a shell write a whole command line. */
function spaceHint(program: string | readonly string[]): string {
  return typeof program === 'string' && /\s/.test(program)
    ? ' (a program with arguments is given as a list: ["program", "argument"])'
    : ''
}
