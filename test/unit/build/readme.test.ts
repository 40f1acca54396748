import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { readmePath, withTables } from '../../../build/readme.ts'
import { commandEntries } from '../../../src/cli/commands.ts'

test("README's tables of settings and errors are those of the code (npm run readme)", () => {
  const readme = readFileSync(readmePath, 'utf8')
  assert.equal(readme, withTables(readme))
})

test("README's table of commands has every command that is for people", () => {
  const readme = readFileSync(readmePath, 'utf8')
  const table = /^## Commands$[\s\S]*?^## /m.exec(readme)?.[0] ?? ''
  const missing = commandEntries
    .filter(({ hidden }) => !hidden)
    .map(({ name }) => name)
    .filter(name => !new RegExp(`\`(device-cloud )?${name}\\b`).test(table))
  assert.deepEqual(missing, [])
})
