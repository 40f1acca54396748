// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from '../../../build/places.ts'
import { Status } from '../../../src/protocol/status.ts'
import { sectionOf } from '../../helpers/page-blocks.ts'
import { documentText } from '../../helpers/proof-tables.ts'
import { registeredActions } from '../../helpers/registered-actions.ts'

const page = documentText('share/reference/actions.md')

test('each action of the device manager has a section, with the switch that turns it off', async t => {
  const actions = await registeredActions(t)
  assert.ok(actions.length > 8)
  for (const { name, switchedBy } of actions) {
    const section = sectionOf(page, `## ${name}`)
    const words = switchedBy === undefined ? 'Always on.' : `\`actions_enabled.${switchedBy}\``
    assert.ok(section.includes(words), `share/reference/actions.md: the section of ${name} does not say ${words}`)
  }
  const sections = [...page.matchAll(/^## (.+)$/gm)].map(([, title = '']) => title)
  const expected = ['Status codes', ...actions.map(({ name }) => name)]
  const stale = sections.filter(title => !expected.includes(title))
  assert.deepEqual(
    sections.toSorted(),
    expected.toSorted(),
    `share/reference/actions.md has sections of actions that no room lists, or has one twice: ${stale.join(', ')}`,
  )
})

test('each parameter that an action reads is on the page', () => {
  const sources = readdirSync(join(root, 'src/manager'), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => readFileSync(join(root, 'src/manager', name), 'utf8'))
  const read = sources.flatMap(text =>
    [...text.matchAll(/(?:Param\(params, '|\bparams\.(?!ts'))(\w+)\b(?!\()/g)].map(([, name = '']) => name),
  )
  assert.ok(
    ['file_name', 'package', 'url', 'ota_timeout'].every(name => read.includes(name)),
    'they are found',
  )
  assert.deepEqual(
    [...new Set(read)].filter(name => !page.includes(`\n| \`${name}\` |`)),
    [],
    'parameters without a row in share/reference/actions.md',
  )
})

test('each status code is on the page', () => {
  for (const [name, code] of Object.entries(Status)) assert.match(page, new RegExp(`\\| ${code} \\| ${name}\\b`))
})
