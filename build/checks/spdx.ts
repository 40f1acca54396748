// SPDX-License-Identifier: Apache-2.0
/**
 * Every source file names its licence for scanners [SPDX 2.3, annex E]: in its first line, or below `#!`.
 * `npm run spdx` adds the line where it is missing; with `--check` it fails instead.
 *
 * Exempt are files in folders `fixtures`, whose bytes tests compare, files of types without comments, and the generated files in
 * share/service/.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BuildError, runAsProgram } from '../build-error.ts'
import { root } from '../places.ts'

export const licence = 'Apache-2.0'

const folders = ['src', 'build', 'test', 'share', 'targets']
/** Scripts without an extension. */
const scripts = ['.ci/run', '.githooks/pre-commit']
const exemptFolder = 'fixtures'
/** A character for each byte, so that a file in another encoding than UTF-8 keeps its bytes. */
const encoding = 'latin1'

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
    return readFileSync(join(top, path), encoding)
  } catch {
    return undefined
  }
}

/** The header of the file at `path`. */
export function headerOf(path: string): string {
  const comment = /\.[cm]?[jt]s$/.test(path) ? '//' : '#'
  return `${comment} SPDX-License-Identifier: ${licence}`
}

/** Whether `text` has the header in the right line. */
export function hasHeader(path: string, text: string): boolean {
  const [first, second] = text.split(/\r?\n/, 2)
  return (first?.startsWith('#!') ? second : first) === headerOf(path)
}

/** `text` with its header. Throws a {@link BuildError} when it has another one, which a person must change. */
export function withHeader(path: string, text: string): string {
  if (hasHeader(path, text)) return text
  const other = /^.{0,3} ?SPDX-License-Identifier:.*$/m.exec(text.slice(0, 500))
  if (other !== null) throw new BuildError(`${path} has ${JSON.stringify(other[0])}; it must be ${headerOf(path)}.`)
  const lineEnd = /\r?\n/.exec(text)?.[0] ?? '\n'
  const header = `${headerOf(path)}${lineEnd}`
  const shebang = /^#!.*/.exec(text)?.[0]
  if (shebang === undefined) return `${header}${text}`
  return `${shebang}${lineEnd}${header}${text.slice(shebang.length + lineEnd.length)}`
}

/** The files that lack the header. */
export function withoutHeader(top = root): string[] {
  return filesWithHeader(top).filter(path => !hasHeader(path, read(top, path) ?? ''))
}

/** Adds missing headers; returns the paths of the changed files. */
export function addHeaders(top = root): string[] {
  const missing = withoutHeader(top)
  const texts = missing.map(path => withHeader(path, read(top, path) ?? ''))
  for (const [index, path] of missing.entries()) writeFileSync(join(top, path), texts[index] ?? '', encoding)
  return missing
}

if (process.argv[1] === import.meta.filename)
  await runAsProgram(async () => {
    if (!process.argv.includes('--check')) return console.log(`${addHeaders().length} files got their SPDX header.`)
    const missing = withoutHeader().map(path => `${path}: the line "${headerOf(path)}" is missing at the top`)
    if (missing.length > 0) throw new BuildError(`${missing.join('\n       ')}\n       Add it with npm run spdx.`)
    console.log('spdx: every source file names its licence.')
  })
