import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { readmePath, withTables } from '../../../build/readme.ts'

test("README's tables of settings and errors are those of the code (npm run readme)", () => {
  const readme = readFileSync(readmePath, 'utf8')
  assert.equal(readme, withTables(readme))
})
