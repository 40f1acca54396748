// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { allCommands } from '../../../src/cloud/commands/all.ts'

const folder = resolve(import.meta.dirname, '../../../src/cloud/commands')

/** The names of the commands of each `…Commands` that a file of commands/ exports, by file and export. */
async function commandsByExport(): Promise<Map<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>()
  for (const file of readdirSync(folder).filter(name => name !== 'all.ts')) {
    const exported: Record<string, unknown> = await import(pathToFileURL(join(folder, file)).href)
    for (const [name, value] of Object.entries(exported))
      if (name.endsWith('Commands') && typeof value === 'object' && value !== null)
        found.set(`${file} ${name}`, Object.keys(value))
  }
  return found
}

test('every group of commands has its row, and no two groups have a command of the same name', async () => {
  const groups = await commandsByExport()
  assert.equal(groups.size, readdirSync(folder).length - 1, 'every file but all.ts exports one group')
  for (const [group, names] of groups)
    assert.deepEqual(
      names.filter(name => !Object.hasOwn(allCommands, name)),
      [],
      group,
    )
  const names = [...groups.values()].flat()
  assert.deepEqual(names.toSorted(), Object.keys(allCommands).toSorted())
})
