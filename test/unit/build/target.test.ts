// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { overBudget, sizeTable } from '../../../build/executable/sizes.ts'
import { adaptTarget } from '../../../build/node/node-traits.ts'
import { root } from '../../../build/places.ts'
import { readTarget, targetNames } from '../../../build/target.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

test('every target is described, pinned and named as its file', () => {
  for (const name of targetNames) {
    const target = readTarget(name)
    assert.equal(target.name, name)
    assert.equal(target.file, `device-cloud-linux-${name}`)
    for (const { why } of target.node.patches) assert.ok(why.join('').length > 50, 'a patch says why')
  }
})

test('a mistake in a target file is named with its place', t => {
  const folder = tempDir(t)
  cpSync(join(root, 'targets'), folder, { recursive: true })
  const file = join(folder, 'x64.json')
  writeFileSync(file, readFileSync(file, 'utf8').replace(/"sha256": "..../, '"sha256": "xyz '))
  assert.throws(() => readTarget('x64', folder), /x64\.json: node\.sha256/)
})

test("the builder's own Node gets no patches, and the options that it understands", () => {
  const said: string[] = []
  const old = { node: '20.11.0', libuv: '1.46.0', canForbidInspector: false }
  const plain = adaptTarget(readTarget('armv7'), old, line => said.push(line))
  assert.deepEqual(plain.node.patches, [])
  assert.deepEqual(plain.sea, {})
  assert.match(said.join(), /UV_USE_IO_URING=0/)
  const fresh = { node: '24.21.0', libuv: '1.52.0', canForbidInspector: true }
  const modern = adaptTarget(readTarget('armv7'), fresh, line => said.push(line))
  assert.deepEqual(modern.sea, readTarget('arm64').sea)
  assert.equal(said.length, 1)
})

const budget = { aboveBareBytes: 100, rawBytes: 1000, xzBytes: 300, squashfsBytes: 400 }

test('an executable within its budget passes, one beyond it is named with both numbers', () => {
  const sizes = { name: 'x64', rawBytes: 1000, bareBytes: 900, stripped: true, xzBytes: 300, squashfsBytes: 400 }
  assert.deepEqual(overBudget(sizes, budget), [])
  assert.match(overBudget({ ...sizes, bareBytes: 899 }, budget)[0] ?? '', /code cache has 101 bytes;.*100/)
  assert.match(overBudget({ ...sizes, xzBytes: 301 }, budget)[0] ?? '', /in xz has 301 bytes/)
  assert.match(overBudget({ ...sizes, squashfsBytes: 401 }, budget)[0] ?? '', /on squashfs has 401 bytes/)
  assert.match(overBudget({ ...sizes, rawBytes: 1001, bareBytes: 950 }, budget)[0] ?? '', /the executable has 1001/)
})

test('the size table says what was not measured and what was not stripped', () => {
  const table = sizeTable([{ name: 'x64', rawBytes: 1_234_567, bareBytes: 1_200_000, stripped: false }])
  assert.match(table, /x64 \(not stripped\) +1,200,000 +1,234,567 +34,567 +- +-/)
})
