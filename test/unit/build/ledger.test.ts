// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareLedgers, formatLedger, type Ledger, parseLedger } from '../../../build/documents/ledger.ts'

const ledger: Ledger = {
  packages: [
    { name: '@scope/codec', version: '1.0.0', licence: 'MIT', bytes: 52_000 },
    { name: 'ws', version: '8.23.0', licence: '(MIT OR Apache-2.0)', bytes: 61_000 },
  ],
  builtins: ['fs/promises', 'net', 'tls'],
}

const withBytes = (bytes: number): Ledger => ({
  ...ledger,
  packages: ledger.packages.map((row, index) => (index === 0 ? { ...row, bytes } : row)),
})

test('a ledger is read back as it was written', () => {
  assert.deepEqual(parseLedger(formatLedger(ledger)), ledger)
  assert.deepEqual(compareLedgers(ledger, ledger), [])
})

test('a new package, a new version and a new module of Node are named', () => {
  const extra = { name: 'left-pad', version: '1.3.0', licence: 'WTFPL', bytes: 400 }
  const real: Ledger = {
    packages: [...ledger.packages.map(row => (row.name === 'ws' ? { ...row, version: '9.0.0' } : row)), extra],
    builtins: [...ledger.builtins, 'vm'],
  }
  const complaints = compareLedgers(ledger, real).join('\n')
  assert.match(complaints, /ws 8\.23\.0 is not bundled any more/)
  assert.match(complaints, /ws 9\.0\.0 .* is bundled and not in the ledger/)
  assert.match(complaints, /left-pad 1\.3\.0 \(WTFPL, 400 bytes\)/)
  assert.match(complaints, /loads node:vm/)
})

test('a changed licence is named', () => {
  const real = { ...ledger, packages: ledger.packages.map(row => ({ ...row, licence: 'SSPL-1.0' })) }
  assert.match(compareLedgers(ledger, real)[0] ?? '', /@scope\/codec 1\.0\.0: the licence is SSPL-1\.0, not MIT/)
})

test('sizes may drift by a tenth, not more', () => {
  assert.deepEqual(compareLedgers(ledger, withBytes(57_000)), [])
  assert.match(
    compareLedgers(ledger, withBytes(58_000))[0] ?? '',
    /has 58000 bytes in the bundle; the ledger says 52000/,
  )
})
