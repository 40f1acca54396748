// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isKnownSwitch } from '../../../src/config/switches.ts'
import { registeredActions } from '../../helpers/registered-actions.ts'

const source = join(import.meta.dirname, '../../../src/manager')

/** The functions of the source that make an action, each with the comment before it. */
function made(): readonly { readonly file: string; readonly comment: string }[] {
  const factory =
    /((?:\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?)export function \w+\([^{]*?(?:\{[^{}]*\}[^{]*?)*\): ManagedAction \{/g
  return readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts'))
    .flatMap(file =>
      [...readFileSync(join(source, file), 'utf8').matchAll(factory)].map(([, comment = '']) => ({ file, comment })),
    )
}

/** What stands in one of two lists only. */
function differing(some: readonly string[], others: readonly string[]): string {
  const lone = (list: readonly string[], other: readonly string[]) => list.filter(name => !other.includes(name))
  return [...lone(some, others), ...lone(others, some)].join(', ')
}

test('every action is named by its file with a section of the specification, and registered under that name', async t => {
  const named = made().map(({ file, comment }) => {
    const [, name] = /`([\w-]+)`/.exec(comment) ?? []
    assert.ok(name !== undefined, `${file}: the comment of the action does not name it`)
    assert.match(comment, /TR50 \d/, `${file}: the comment of ${name} names no section of TR50`)
    return name
  })
  const names = (await registeredActions(t)).map(({ name }) => name)
  assert.ok(named.length >= 11, 'the actions of the source are not found')
  assert.deepEqual(
    [...names].sort(),
    [...named].sort(),
    `not made and registered alike: ${differing(names, named)}; an action belongs in the list of its room, such as process-actions.ts`,
  )
})

test('every switch of an action is a row of the settings table', async t => {
  for (const { name, switchedBy } of await registeredActions(t))
    assert.ok(
      switchedBy === undefined || isKnownSwitch(switchedBy),
      `${name}: actions_enabled.${switchedBy} is no row of src/config/manager-rows.ts`,
    )
})
