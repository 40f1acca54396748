// SPDX-License-Identifier: Apache-2.0
import { AgentError, retold } from '../base/errors.ts'
import { version } from '../base/version.ts'
import { closestName } from '../config/suggestion.ts'
import { commandEntries } from './commands.ts'
import { withConfigFolder } from './config/config-flags.ts'
import type { CommandEntry, Terminal } from './shell/command.ts'
import { parseInvocation, traceFlag } from './shell/flags.ts'
import { commandHelp, familyHelp, overviewHelp } from './shell/help.ts'
import { reportError, traceErrors } from './shell/report-error.ts'

export interface CliOptions {
  readonly entries?: readonly CommandEntry[]
  /** Called before a command runs, except `run`, where the process belongs to the user's application. */
  readonly guardProcess?: () => void
  /** The configuration folder of the device; only tests have another one. */
  readonly systemFolder?: string
}

/**
 * Runs one command line.
 *
 * @param args the arguments after `device-cloud`
 * @returns the exit code, or undefined when the process goes on with the application that `run` started
 */
export async function runCli(
  args: readonly string[],
  terminal: Terminal,
  options: CliOptions = {},
): Promise<number | undefined> {
  try {
    return await dispatch(args, terminal, options)
  } catch (error) {
    return reportError(error, terminal)
  }
}

async function dispatch(
  args: readonly string[],
  terminal: Terminal,
  { entries = commandEntries, guardProcess, systemFolder }: CliOptions,
): Promise<number | undefined> {
  const [first, second] = args
  if (first === undefined) {
    terminal.err(overviewHelp(entries))
    return 2
  }
  if (first === '--help' || first === '-h' || first === 'help') return showHelp(args.slice(1), terminal, entries)
  if (first === '--version' || first === '-V') {
    terminal.out(second === '--json' ? `${JSON.stringify(await aboutThisBuild())}\n` : `${version}\n`)
    return 0
  }
  const entry = findEntry(args, entries)
  if (entry === undefined) {
    if (second === '--help' || second === '-h') return showHelp([first], terminal, entries)
    throw unknownCommand(args, entries)
  }
  const { command } = await entry.load()
  const invocation = parseInvocation(command, args.slice(entry.name.split(' ').length))
  if (invocation.has('help')) {
    terminal.out(commandHelp(command))
    return 0
  }
  if (invocation.has(traceFlag.name)) traceErrors()
  if (!command.runsForeignCode) guardProcess?.()
  try {
    return await command.run(await withConfigFolder(command, invocation, terminal, systemFolder), terminal)
  } catch (error) {
    throw withCommand(error, command.name)
  }
}

/** From this the agent that is in place learns which trial protocols a new agent speaks. */
async function aboutThisBuild(): Promise<object> {
  const { aboutBuild } = await import('../manager/ota/commands.ts')
  return aboutBuild(version)
}

/** Adds the name of the command to a `USAGE` error, so that its remedy points at the help of that command. */
function withCommand(error: unknown, command: string): unknown {
  if (!(error instanceof AgentError) || error.code !== 'USAGE' || error.details.command !== undefined) return error
  return retold(error, error.message, { command })
}

async function showHelp(
  args: readonly string[],
  terminal: Terminal,
  entries: readonly CommandEntry[],
): Promise<number> {
  const entry = findEntry(args, entries)
  const family = familyOf(args[0], entries)
  if (entry !== undefined) terminal.out(commandHelp((await entry.load()).command))
  else if (args[0] !== undefined && family.length > 0) terminal.out(familyHelp(args[0], family))
  else if (args.length > 0) throw unknownCommand(args, entries)
  else terminal.out(overviewHelp(entries))
  return 0
}

/** The command that the arguments begin with. One of two words goes before one of the first word alone. */
function findEntry(args: readonly string[], entries: readonly CommandEntry[]): CommandEntry | undefined {
  const two = entries.find(({ name }) => name === args.slice(0, 2).join(' '))
  return two ?? entries.find(({ name }) => name === args[0])
}

/** The commands of two words that begin with `first`. */
function familyOf(first: string | undefined, entries: readonly CommandEntry[]): CommandEntry[] {
  return entries.filter(({ name }) => name.startsWith(`${first} `))
}

function unknownCommand(args: readonly string[], entries: readonly CommandEntry[]): AgentError {
  const [first = '', second] = args
  const family = familyOf(first, entries).map(({ name }) => name)
  if (family.length === 0) {
    const names = entries.map(({ name }) => name)
    return new AgentError('USAGE', `There is no command "${first}".${hintFor(args, first, names)}`)
  }
  const details = { command: first }
  if (second === undefined || second.startsWith('-'))
    return new AgentError('USAGE', `"${first}" needs one more word: ${family.join(', ')}.`, { details })
  const asked = `${first} ${second}`
  return new AgentError('USAGE', `There is no command "${asked}".${hintFor(args, asked, family)}`, { details })
}

/** What the user may have meant, as a sentence; empty when nothing is similar. */
function hintFor(args: readonly string[], asked: string, names: readonly string[]): string {
  // fork() and child_process call process.execPath as if it were Node, with the script among the arguments.
  const application = args.find(arg => /\.[cm]?js$/.test(arg))
  if (application !== undefined)
    return ` An application is started by "device-cloud run ${application}", without options of Node.`
  const firstWords = new Set(names.map(name => name.split(' ')[0] ?? name))
  const near = closestName(asked, names) ?? closestName(asked, [...firstWords])
  return near === undefined ? '' : ` Did you mean "${near}"?`
}
