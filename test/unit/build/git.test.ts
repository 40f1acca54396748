// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { builtCommit, checkCommitted } from '../../../build/version/git.ts'
import { gitIn } from '../../helpers/git-in.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

test('a build is of the commit, and says when its sources were changed since', async t => {
  const folder = tempDir(t)
  const git = gitIn(folder)
  git('init', '--quiet')
  assert.equal(await builtCommit(folder), undefined, 'there is no commit yet')
  mkdirSync(join(folder, 'src'))
  writeFileSync(join(folder, 'src/main.ts'), '1')
  writeFileSync(join(folder, 'README.md'), '1')
  git('add', '.')
  git('commit', '--quiet', '--message', 'test: one')
  const commit = git('rev-parse', 'HEAD')
  assert.match(commit, /^[0-9a-f]{40}$/)
  assert.equal(await builtCommit(folder), commit)
  writeFileSync(join(folder, 'README.md'), '2')
  assert.equal(await builtCommit(folder), commit, 'no document goes into a build')
  writeFileSync(join(folder, 'src/new.ts'), '1')
  assert.equal(await builtCommit(folder), `${commit}-dirty`, 'a new source may')
  git('add', '.')
  assert.equal(await builtCommit(folder), `${commit}-dirty`, 'as long as it is not in the commit')
  git('commit', '--quiet', '--message', 'test: two')
  assert.equal(await builtCommit(folder), git('rev-parse', 'HEAD'))
})

test('what is signed was committed, documents for the device included', async t => {
  const folder = tempDir(t)
  const git = gitIn(folder)
  git('init', '--quiet')
  git('commit', '--quiet', '--allow-empty', '--message', 'test: one')
  writeFileSync(join(folder, 'notes.md'), 'what is not in a release')
  await checkCommitted(folder)
  mkdirSync(join(folder, 'share'))
  writeFileSync(join(folder, 'share/install.md'), '1')
  await assert.rejects(checkCommitted(folder), /A signed release must be of a commit.*\n\?\? share\//)
  git('add', 'share')
  git('commit', '--quiet', '--message', 'test: two')
  await checkCommitted(folder)
  await checkCommitted(tempDir(t))
})

test('sources that are unpacked inside another repository are not of its commit', async t => {
  const stranger = tempDir(t)
  const git = gitIn(stranger)
  git('init', '--quiet')
  git('commit', '--quiet', '--allow-empty', '--message', 'test: a stranger')
  mkdirSync(join(stranger, 'sources'))
  assert.equal(await builtCommit(join(stranger, 'sources')), undefined)
})

test('without git there is no commit', async t => {
  const before = process.env.PATH
  t.after(() => {
    process.env.PATH = before
  })
  process.env.PATH = tempDir(t)
  assert.equal(await builtCommit(), undefined)
})
