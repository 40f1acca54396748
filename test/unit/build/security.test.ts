// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documentText, isThere, mentionsOfTests, testsOf } from '../../helpers/proof-tables.ts'

/** The attackers of share/explanation/security.md, in its order; each has a table of its own. */
const attackers = [
  'The cloud and its operators',
  'A man in the middle',
  'A local user of the device',
  'File server, relay and proxy',
  'The supply chain of updates',
  'A web page on the desk of a developer',
]

interface Section {
  readonly title: string
  readonly rows: readonly (readonly string[])[]
}

const sections: readonly Section[] = documentText('share/explanation/security.md')
  .split(/^## /m)
  .slice(1)
  .map(text => ({
    title: text.slice(0, text.indexOf('\n')),
    rows: text
      .split('\n')
      .filter(line => line.startsWith('| ') && !line.startsWith('| what is promised') && !/^\| *-/.test(line))
      .map(line => line.slice(2, -2).split(' | ')),
  }))

const tables = sections.filter(({ title }) => attackers.includes(title))

test('every attacker has a table, in order', () => {
  assert.deepEqual(
    tables.map(({ title }) => title),
    attackers,
  )
})

test('every row says what is promised, which setting decides, and which test shows it', () => {
  for (const { title, rows } of tables) {
    assert.ok(rows.length > 0, `${title}: no row`)
    for (const row of rows) {
      const [promise = '', , proof = ''] = row
      assert.equal(row.length, 3, `${title}: ${promise}: not three columns`)
      const named = testsOf(proof)
      assert.ok(named.length > 0, `${title}: ${promise}: names no test`)
      // What looks like a test and is written in another way would not be checked.
      assert.equal(mentionsOfTests(proof), named.length, `${title}: ${promise}: names a test in another form`)
    }
  }
})

test('every test that the tables name exists under that name in that file', () => {
  const missing = tables.flatMap(({ title, rows }) =>
    rows
      .flatMap(([, , proof = '']) => testsOf(proof))
      .filter(named => !isThere(named))
      .map(({ file, name }) => `${title}: ${file}: ${name}`),
  )
  assert.deepEqual(missing, [])
})
