// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { mapOfRooms } from '../../../build/checks/room-map.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

function mapOfFiles(t: TestContext, files: Readonly<Record<string, string>>) {
  const source = tempDir(t)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(source, name)), { recursive: true })
    writeFileSync(join(source, name), text)
  }
  return mapOfRooms(source)
}

test('rooms and arrows are counted, and those that lead back', t => {
  const files = {
    'manager/a/x.ts': "import { y } from '../b/y.ts'\nimport { z } from './z.ts'",
    'manager/a/z.ts': '',
    'manager/b/y.ts': "import { w } from '../c/w.ts'",
    'manager/c/w.ts': '',
    'manager/top.ts': "import { x } from './a/x.ts'",
  }
  const [apart] = mapOfFiles(t, files)
  assert.deepEqual(apart, { floor: 'manager', files: 5, rooms: 4, arrows: 3, circular: 0 })
  const [tied] = mapOfFiles(t, { ...files, 'manager/c/w.ts': "const { x } = await import('../a/x.ts')" })
  assert.deepEqual(tied, { floor: 'manager', files: 5, rooms: 4, arrows: 4, circular: 3 })
})

test('no rooms of this project import each other in a circle, where they have an order', () => {
  const ordered = new Set(['platform', 'connection', 'manager', 'cli', 'cloud', 'outbox', 'services'])
  const found = mapOfRooms(resolve(import.meta.dirname, '../../../src')).filter(({ floor }) => ordered.has(floor))
  assert.equal(found.length, ordered.size)
  assert.deepEqual(
    found.filter(({ circular }) => circular > 0),
    [],
  )
})
