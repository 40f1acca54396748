// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const folder = join(import.meta.dirname, '../../helpers')

test('the map of the test helpers names each of them once, and nothing that is not there', () => {
  const named = [...readFileSync(join(folder, 'README.md'), 'utf8').matchAll(/\]\(([^)]+\.ts)\)/g)].map(
    ([, name]) => name,
  )
  const there = readdirSync(folder).filter(name => name.endsWith('.ts'))
  assert.deepEqual(named.toSorted(), there.toSorted())
})
