// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyPatches } from '../../../build/elf/patch.ts'

const file = Buffer.from('00112233445566778899', 'hex')

test('a patch replaces the bytes it expects, in a copy', () => {
  const patched = applyPatches(file, [{ why: [], at: '0x3', expect: '3344', replace: 'aabb' }])
  assert.equal(Buffer.from(patched).toString('hex'), '001122aabb5566778899')
  assert.equal(file.toString('hex'), '00112233445566778899')
})

test('a patch of other bytes than expected is refused', () => {
  const patches = [{ why: [], at: '0x3', expect: '3345', replace: 'aabb' }]
  assert.throws(() => applyPatches(file, patches), /at 0x3 expects 3345, but the file has 3344\./)
  assert.throws(
    () => applyPatches(file, [{ why: [], at: '0x9', expect: '9900', replace: 'aabb' }]),
    /the file has 99\./,
  )
})

test('a patch that would move what follows is refused', () => {
  const patches = [{ why: [], at: '0x3', expect: '3344', replace: 'aa' }]
  assert.throws(() => applyPatches(file, patches), /changes the size/)
})
