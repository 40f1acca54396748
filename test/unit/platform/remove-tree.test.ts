// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { removeFolder, removeTree } from '../../../src/platform/held/remove-tree.ts'
import { needsRoot } from '../../helpers/as-root.ts'
import { asAttacker, attackersFolder } from '../../helpers/attacker.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

test('a folder that is swapped for a link while it is emptied leads the removal nowhere', async t => {
  const folder = tempDir(t)
  const treasure = join(tempDir(t), 'etc')
  mkdirSync(treasure)
  writeFileSync(join(treasure, 'passwd'), 'root')
  const victim = join(folder, 'otapackage')
  mkdirSync(join(victim, 'etc'), { recursive: true })
  writeFileSync(join(victim, 'etc', 'passwd'), 'bait')
  let entered = 0
  await removeTree(victim, async () => {
    // First the folder itself goes aside, and a link takes its place; then the one in it.
    if (entered++ > 0) return
    renameSync(victim, join(folder, 'aside'))
    symlinkSync(join(treasure, '..'), victim)
  }).catch(() => {})
  assert.deepEqual(readdirSync(treasure), ['passwd'])
  assert.ok(!existsSync(victim), 'the link is removed as a link')
  assert.deepEqual(readdirSync(join(folder, 'aside')), [], 'what was entered was emptied')
})

test('all goes: files, links, folders in folders; a link itself, and nothing that is not there', async t => {
  const folder = tempDir(t)
  const path = join(folder, 'tree')
  mkdirSync(join(path, ...Array.from({ length: 50 }, () => 'd')), { recursive: true })
  writeFileSync(join(path, 'file'), 'x')
  symlinkSync('/nowhere', join(path, 'link'))
  await removeFolder(path)
  symlinkSync(folder, join(folder, 'to-folder'))
  await removeFolder(join(folder, 'to-folder'))
  writeFileSync(join(folder, 'file'), 'x')
  await removeFolder(join(folder, 'file'))
  assert.deepEqual(readdirSync(folder), [])
  await removeFolder(join(folder, 'nothing'))
  await removeFolder(join(folder, 'no', 'thing'))
  mkdirSync(join(path, ...Array.from({ length: 300 }, () => 'd')), { recursive: true })
  await assert.rejects(removeFolder(path), { code: 'LIMIT_EXCEEDED' })
})

test('a name that is no UTF-8 goes too', async t => {
  const folder = tempDir(t)
  const path = join(folder, 'tree')
  mkdirSync(path)
  writeFileSync(Buffer.concat([Buffer.from(`${path}/caf`), Buffer.from([0xe9])]), '')
  await removeFolder(path)
  assert.deepEqual(readdirSync(folder), [])
})

test('a runtime folder that another user made a link leads no removal to where it points', needsRoot, async t => {
  const root = tempDir(t)
  mkdirSync(join(root, 'other', 'upload'), { recursive: true })
  const home = attackersFolder(root, 'home')
  asAttacker(`ln -s ${root}/other ${home}/runtime`)
  await assert.rejects(removeFolder(join(home, 'runtime', 'upload')), { code: 'PATH_REFUSED' })
  assert.ok(existsSync(join(root, 'other', 'upload')))
})
