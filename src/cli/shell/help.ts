// SPDX-License-Identifier: Apache-2.0
import type { Command, CommandEntry, Flag, Operand } from './command.ts'
import { commonFlags } from './flags.ts'

const executable = 'device-cloud'

/** The text of `device-cloud --help`. */
export function overviewHelp(entries: readonly CommandEntry[]): string {
  const rows = entries.filter(({ hidden }) => !hidden).map(({ name, summary }) => [name, summary] as const)
  return [
    `Usage: ${executable} COMMAND [FLAGS]`,
    '',
    'Commands:',
    ...columns(rows),
    '',
    `"${executable} COMMAND --help" shows the flags of a command, and "${executable} --version" the version alone.`,
    'Exit codes: 0 done, 1 failed, 2 wrong usage, 3 wrong configuration, 4 cannot reach the cloud,',
    '5 refused by the cloud (login), 6 refused by policy, 70 a bug.',
    '',
  ].join('\n')
}

/** The text of `device-cloud publish --help`, for the first word of several commands. */
export function familyHelp(first: string, entries: readonly CommandEntry[]): string {
  const rows = entries.map(({ name, summary }) => [name, summary] as const)
  return [`Usage: ${executable} ${first} COMMAND [FLAGS]`, '', 'Commands:', ...columns(rows), ''].join('\n')
}

/** The text of `device-cloud COMMAND --help`. */
export function commandHelp(command: Command): string {
  const operands = (command.operands ?? []).map(operandText).join(' ')
  const flags = [...command.flags, ...commonFlags].map(flag => [flagText(flag), flag.summary] as const)
  return [
    `Usage: ${[executable, command.name, '[FLAGS]', operands].filter(part => part !== '').join(' ')}`,
    '',
    command.summary,
    ...(command.description === undefined ? [] : [command.description]),
    '',
    'Flags:',
    ...columns(flags),
    '',
  ].join('\n')
}

function operandText({ name, optional, rest }: Operand): string {
  const text = rest ? `${name}...` : name
  return optional ? `[${text}]` : text
}

function flagText({ name, short, value }: Flag): string {
  const letter = short === undefined ? '    ' : `-${short}, `
  return `${letter}--${name}${value === undefined ? '' : ` ${value}`}`
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}
