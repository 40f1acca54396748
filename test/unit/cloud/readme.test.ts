// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { allCommands } from '../../../src/cloud/commands/all.ts'
import { faultTable } from '../../../src/cloud/faults/fault-table.ts'

const folder = join(import.meta.dirname, '../../../src/cloud')
/** Without the spaces that line the tables up. */
const readme = readFileSync(join(folder, 'README.md'), 'utf8').replace(/ +/g, ' ')

test('the README names every fault with its parameters and what it does', () => {
  for (const [name, { does, params }] of Object.entries(faultTable)) {
    const names = Object.keys(params).map(param => `\`${param}\``)
    const row = `| \`${name}\` | ${names.join(' ')} | ${does} |`.replace(/ +/g, ' ')
    assert.ok(readme.includes(row), `src/cloud/README.md has no row ${row}`)
  }
})

test('the README names every command', () => {
  for (const name of Object.keys(allCommands))
    assert.ok(readme.includes(`\`${name}\``), `src/cloud/README.md does not name the command ${name}`)
})

test('the console puts values from devices into the page as text only', () => {
  const console = join(folder, 'http/console')
  for (const name of readdirSync(console)) {
    const text = readFileSync(join(console, name), 'utf8')
    assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacent|document\.write|\son\w+=/, name)
  }
})
