// SPDX-License-Identifier: Apache-2.0
/** Writes the tables of the reference that come from the code: `npm run readme`. A test holds the pages to them. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { errorKinds } from '../../src/base/errors.ts'
import { commandEntries } from '../../src/cli/commands.ts'
import { commandHelp } from '../../src/cli/shell/help.ts'
import type { Setting } from '../../src/config/setting.ts'
import { settingsTable } from '../../src/config/table.ts'
import { runAsProgram } from '../build-error.ts'
import { root } from '../places.ts'
import { markdownTable, replaceBlock } from './page-block.ts'

type Blocks = Readonly<Record<string, () => string | Promise<string>>>

/** Page, from the root of the checkout → its blocks. */
export const generatedPages: Readonly<Record<string, Blocks>> = {
  'share/reference/settings.md': {
    'connection settings': () => settingsOf('connect'),
    'manager settings': () => settingsOf('iot'),
  },
  'share/reference/errors.md': { errors: errorTable },
  'share/reference/commands.md': { commands: commandList, 'commands and flags': commandHelps },
}

/** The text of a page as it is, and with every generated block made anew. */
export async function readGenerated(page: string): Promise<{ readonly is: string; readonly shouldBe: string }> {
  const is = readFileSync(join(root, page), 'utf8')
  let shouldBe = is
  for (const [name, make] of Object.entries(generatedPages[page] ?? {}))
    shouldBe = replaceBlock(shouldBe, name, await make(), page)
  return { is, shouldBe }
}

function settingsOf(file: Setting['file']): string {
  const rows = settingsTable
    .filter(setting => setting.file === file)
    .map(setting => [`\`${setting.key}\``, valuesOf(setting), defaultOf(setting), setting.sentence])
  return markdownTable(['setting', 'value', 'default', 'meaning'], rows)
}

function valuesOf({ type, unit }: Setting): string {
  const inUnit = unit === undefined ? '' : ` ${unit}`
  switch (type.kind) {
    case 'choice':
      return type.choices.map(choice => `\`${choice}\``).join(', ')
    case 'integer':
    case 'number':
      return `${type.min} to ${type.max}${inUnit}`
    case 'boolean':
      return '`true`, `false`'
    case 'texts':
    case 'keys':
    case 'paths':
    case 'addresses':
    case 'hosts':
    case 'services':
      return 'list'
    default:
      return type.kind
  }
}

function defaultOf({ default: value, required }: Setting): string {
  if (required) return 'required'
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return ''
  return `\`${JSON.stringify(value)}\``
}

function errorTable(): string {
  const rows = Object.entries(errorKinds).map(([code, { meaning, remedy, retryable, exitCode }]) => [
    `\`${code}\``,
    meaning,
    remedy,
    retryable ? 'yes' : 'no',
    String(exitCode),
  ])
  return markdownTable(['code', 'what happened', 'what to do', 'may pass by itself', 'exit code'], rows)
}

const forPeople = commandEntries.filter(({ hidden }) => !hidden)

function commandList(): string {
  const rows = forPeople.map(({ name, summary }) => [`[\`${name}\`](#${name.replaceAll(' ', '-')})`, summary])
  return markdownTable(['command', 'does'], rows)
}

/** What `--help` prints, a section each. */
async function commandHelps(): Promise<string> {
  const commands = await Promise.all(forPeople.map(entry => entry.load()))
  return commands
    .map(({ command }) => `### ${command.name}\n\n\`\`\`text\n${commandHelp(command).trimEnd()}\n\`\`\``)
    .join('\n\n')
}

if (process.argv[1] === import.meta.filename)
  await runAsProgram(async () => {
    for (const page of Object.keys(generatedPages)) {
      writeFileSync(join(root, page), (await readGenerated(page)).shouldBe)
      console.log(`${page}: written.`)
    }
  })
