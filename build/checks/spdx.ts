// SPDX-License-Identifier: Apache-2.0
/**
 * Every source file says its licence to scanners [SPDX 2.3, annex E]: in its first line, or below `#!`.
 * `npm run spdx` adds the line where it is missing; `--check` fails instead.
 *
 * Exempt is what lies in a folder `fixtures`, whose bytes tests compare, and what no comment fits in: the extension decides. So are
 * the files of share/service/, which are written from the sources.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BuildError, runAsProgram } from '../build-error.ts'
import { root } from '../places.ts'

export const licence = 'Apache-2.0'

const folders = ['src', 'build', 'test', 'share', 'targets']
/** Scripts whose names have no extension. */
const scripts = ['.ci/run', '.githooks/pre-commit']
const exemptFolder = 'fixtures'

/** The files that must have the header, relative to `top`. */
export function filesWithHeader(top = root): string[] {
  const listed = folders.flatMap(folder => list(top, folder)).filter(path => /\.(?:[cm]?[jt]s|sh)$/.test(path))
  return [...listed, ...scripts.filter(path => read(top, path) !== undefined)].sort()
}

function list(top: string, folder: string): string[] {
  const entries = readdirSync(join(top, folder), { withFileTypes: true })
  return entries.flatMap(entry => {
    const path = `${folder}/${entry.name}`
    if (entry.isFile()) return [path]
    return entry.isDirectory() && entry.name !== exemptFolder ? list(top, path) : []
  })
}

function read(top: string, path: string): string | undefined {
  try {
    return readFileSync(join(top, path), 'utf8')
  } catch {
    return undefined
  }
}

/** The line that the file at `path` must have. */
export function headerOf(path: string): string {
  const comment = /\.[cm]?[jt]s$/.test(path) ? '//' : '#'
  return `${comment} SPDX-License-Identifier: ${licence}`
}

/** Whether `text` has the header where it belongs. */
export function hasHeader(path: string, text: string): boolean {
  const [first, second] = text.split('\n', 2)
  return (first?.startsWith('#!') ? second : first) === headerOf(path)
}

/** `text` with its header. Throws a {@link BuildError} when it has one of another form or licence: a person decides. */
export function withHeader(path: string, text: string): string {
  if (hasHeader(path, text)) return text
  const other = /^.{0,3} ?SPDX-License-Identifier:.*$/m.exec(text.slice(0, 500))
  if (other !== null) throw new BuildError(`${path} has ${JSON.stringify(other[0])}; it must be ${headerOf(path)}`)
  const shebang = /^#!.*\n/.exec(text)?.[0] ?? ''
  return `${shebang}${headerOf(path)}\n${text.slice(shebang.length)}`
}

/** The files that lack the header. */
export function withoutHeader(top = root): string[] {
  return filesWithHeader(top).filter(path => !hasHeader(path, read(top, path) ?? ''))
}

/** Adds the header where it is missing, and returns where that was. */
export function addHeaders(top = root): string[] {
  const missing = withoutHeader(top)
  const texts = missing.map(path => withHeader(path, read(top, path) ?? ''))
  for (const [index, path] of missing.entries()) writeFileSync(join(top, path), texts[index] ?? '')
  return missing
}

if (process.argv[1] === import.meta.filename)
  await runAsProgram(async () => {
    if (!process.argv.includes('--check')) return console.log(`${addHeaders().length} files got their SPDX header.`)
    const missing = withoutHeader().map(path => `${path}: the line "${headerOf(path)}" is missing at the top`)
    if (missing.length > 0) throw new BuildError(`${missing.join('\n       ')}\n       npm run spdx adds it.`)
    console.log('spdx: every source file says its licence.')
  })
