// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorKinds } from '../../../src/base/errors.ts'
import { Client } from '../../../src/index.ts'
import { documentText } from '../../helpers/proof-tables.ts'

/** The names that the class of `part` has in its prototype: getters and methods. */
function membersOf(part: object): string[] {
  return Object.getOwnPropertyNames(Object.getPrototypeOf(part)).filter(name => name !== 'constructor')
}

test('the page of the library names every call of the client', () => {
  const page = documentText('share/reference/library.md')
  const client = new Client('page')
  const own = membersOf(client)
  const parts = Object.entries(client).filter(([, part]) => typeof part === 'object' && part !== null)
  const calls = parts.flatMap(([name, part]) => membersOf(part).map(member => `${name}.${member}`))
  assert.ok(own.includes('connect') && calls.includes('telemetry.publish') && calls.includes('files.upload'))
  assert.deepEqual(
    [...own, ...calls].filter(name => !new RegExp(`\`(?:await )?${name.replace('.', '\\.')}\\b`).test(page)),
    [],
    'calls that share/reference/library.md does not name',
  )
})

test('the page of errors has every exit code of the table', () => {
  const page = documentText('share/reference/errors.md')
  for (const { exitCode } of Object.values(errorKinds))
    assert.match(page, new RegExp(`^\\| ${exitCode} \\| [^|]+ \\|$`, 'm'))
})
