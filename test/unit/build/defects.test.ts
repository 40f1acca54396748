// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documentText, isThere, mentionsOfTests, testsOf } from '../../helpers/proof-tables.ts'

/** Every number of the list, so that no row can go silently. */
const numbers = [
  ...Array.from({ length: 35 }, (_, index) => `H${index + 1}`),
  ...Array.from({ length: 8 }, (_, index) => `D${index + 1}`),
  'G1',
  ...Array.from({ length: 18 }, (_, index) => `M${index + 1}`),
  ...Array.from({ length: 17 }, (_, index) => `O${index + 1}`),
  ...Array.from({ length: 24 }, (_, index) => `R${index + 1}`),
]

/** Those of client and manager that lost data, hung, crashed or let an attacker in: an explanation is not enough for them. */
const severe = new Set(
  (
    'H1 H2 H5 H6 H7 H9 H11 H12 H13 H14 H16 H18 H19 H21 H22 H25 H26 H27 H28 H29 H30 H31 H33 D1 D3 D4 G1 ' +
    'M1 M2 M3 M6 M7 M9 M10 M12 M14'
  ).split(' '),
)

interface Row {
  readonly number: string
  readonly defect: string
  readonly here: string
  readonly proof: string
}

const rows: readonly Row[] = documentText('share/project/predecessor-defects.md')
  .split('\n')
  .flatMap(line => {
    const [, number, defect, here, proof] = /^\| ([A-Z]\d+) \| (.+) \| (.+) \| (.*) \|$/.exec(line) ?? []
    return number === undefined || defect === undefined || here === undefined || proof === undefined
      ? []
      : [{ number, defect, here, proof }]
  })

test('every defect of the old agent has one row, in order', () => {
  assert.deepEqual(
    rows.map(({ number }) => number),
    numbers,
  )
})

test('every test that the table of defects names exists under that name in that file', () => {
  const missing = rows.flatMap(row =>
    testsOf(row.proof)
      .filter(named => !isThere(named))
      .map(({ file, name }) => `${row.number}: ${file}: ${name}`),
  )
  assert.deepEqual(missing, [])
})

test('a row names a test or says why there is none, and a severe one names a test', () => {
  for (const row of rows) {
    const tests = testsOf(row.proof)
    assert.ok(tests.length > 0 || row.proof.length > 20, `${row.number} says nothing`)
    assert.ok(tests.length > 0 || !severe.has(row.number), `${row.number} is severe and has no test`)
    // What looks like a test and is written in another way would not be checked.
    assert.equal(mentionsOfTests(row.proof), tests.length, `${row.number} names a test in another form`)
  }
})
