/**
 * Writes the tables of README.md that come from the code: `npm run readme`. A test holds the file to them.
 * A block stands between `<!-- NAME -->` and `<!-- /NAME -->`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { errorKinds } from '../src/base/errors.ts'
import type { Setting } from '../src/config/setting.ts'
import { settingsTable } from '../src/config/table.ts'

export const readmePath = resolve(import.meta.dirname, '../README.md')

/** `readme` with every generated block made anew. */
export function withTables(readme: string): string {
  return Object.entries(blocks).reduce((text, [name, make]) => replaceBlock(text, name, make()), readme)
}

const blocks = {
  'connection settings': () => settingsOf('connect'),
  'manager settings': () => settingsOf('iot'),
  errors: errorTable,
}

function replaceBlock(text: string, name: string, content: string): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const start = text.indexOf(open)
  const end = text.indexOf(close)
  if (start < 0 || end < start) throw new Error(`README.md has no block "${name}"`)
  return `${text.slice(0, start + open.length)}\n${content}\n${text.slice(end)}`
}

function settingsOf(file: Setting['file']): string {
  const rows = settingsTable
    .filter(setting => setting.file === file)
    .map(setting => [`\`${setting.key}\``, valuesOf(setting), defaultOf(setting), setting.sentence])
  return table(['setting', 'value', 'default', 'meaning'], rows)
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
  return table(['code', 'what happened', 'what to do', 'may pass by itself', 'exit code'], rows)
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map(row => `| ${row.map(escapeCell).join(' | ')} |`).join('\n')
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|')
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(readmePath, withTables(readFileSync(readmePath, 'utf8')))
  console.log('README.md: tables written.')
}
