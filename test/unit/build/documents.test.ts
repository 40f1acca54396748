// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from '../../../build/places.ts'
import { commandEntries } from '../../../src/cli/commands.ts'

/** The documents at the top of the project. */
const documents = readdirSync(root).filter(name => name.endsWith('.md'))

/** Each match of `pattern` in the documents, by its first group, with the document's name. */
function found(pattern: RegExp): { readonly document: string; readonly what: string }[] {
  return documents.flatMap(document =>
    [...readFileSync(join(root, document), 'utf8').matchAll(pattern)].map(([, what = '']) => ({ document, what })),
  )
}

test('the documents at the top are those that people look for', () => {
  for (const name of ['README.md', 'CHANGELOG.md', 'SECURITY.md', 'PUBLISHING.md']) assert.ok(documents.includes(name))
})

test('every link of a document at the top leads to a file, and to a heading of it', () => {
  const links = found(/\]\((?!https?:)([^)]+)\)/g)
  assert.ok(links.length > 10)
  for (const { document, what } of links) {
    const [file = '', heading] = what.split('#')
    const path = join(root, file === '' ? document : file)
    assert.ok(existsSync(path), `${document}: ${what}`)
    if (heading !== undefined) assert.ok(headings(path).includes(heading), `${document}: ${what}`)
  }
})

/** The anchors of the headings, as the pages of repositories make them. */
function headings(path: string): string[] {
  const lines = readFileSync(path, 'utf8').matchAll(/^#+ (.*)$/gm)
  return [...lines].map(([, text = '']) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

test('every command of npm that a document names is there', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const commands = found(/npm run (?:--silent )?([a-z][\w:-]*)/g)
  assert.ok(commands.some(({ document }) => document === 'PUBLISHING.md'))
  for (const { document, what } of commands) assert.ok(what in scripts, `${document}: npm run ${what}`)
})

test('SECURITY.md and PUBLISHING.md name commands that device-cloud has', () => {
  const names = commandEntries.map(({ name }) => name)
  const commands = found(/device-cloud ((?!\d)[a-z]+(?: [a-z]+)?)/g).filter(({ document }) =>
    ['SECURITY.md', 'PUBLISHING.md'].includes(document),
  )
  assert.ok(commands.length >= 4)
  for (const { document, what } of commands)
    assert.ok(names.includes(what) || names.includes(what.split(' ')[0] ?? ''), `${document}: device-cloud ${what}`)
})
