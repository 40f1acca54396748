// SPDX-License-Identifier: Apache-2.0
/** Tables in documents whose last column names the tests that prove a row: `` `test/FILE`: "NAME" ``. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const checkout = join(import.meta.dirname, '../..')

export interface NamedTest {
  readonly file: string
  readonly name: string
}

/** A document of the project, as text. */
export function documentText(path: string): string {
  return readFileSync(join(checkout, path), 'utf8')
}

/** The tests that a cell of a table names. */
export function testsOf(proof: string): NamedTest[] {
  return [...proof.matchAll(/`(test\/[^`]+)`: "([^"]+)"/g)].map(([, file = '', name = '']) => ({ file, name }))
}

/** How often a cell names a file of tests, in whatever form: what {@link testsOf} does not read would not be checked. */
export function mentionsOfTests(proof: string): number {
  return proof.split('test/').length - 1
}

/** Whether the file has a test of this name: `test(` and the whole name in quotes. */
export function isThere({ file, name }: NamedTest): boolean {
  const path = join(checkout, file)
  return existsSync(path) && hasTest(readFileSync(path, 'utf8'), name)
}

function hasTest(source: string, name: string): boolean {
  return ["'", '"', '`'].some(quote => {
    const quoted = quote + name + quote
    for (let at = source.indexOf(quoted); at >= 0; at = source.indexOf(quoted, at + 1))
      if (/\b(?:test|it)\(\s*$/.test(source.slice(Math.max(0, at - 40), at))) return true
    return false
  })
}
