// SPDX-License-Identifier: Apache-2.0
/** The git hook, as `npm run hooks` switches it on in a clone. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { root } from '../../build/places.ts'
import { gitEnvironment, gitIn } from '../helpers/git-in.ts'
import { tempDir } from '../helpers/temp-dir.ts'

/** A repository with the checks of this project, and none of its sources. */
function cloneOf(t: TestContext) {
  const folder = tempDir(t)
  for (const name of ['.githooks', '.gitignore', 'biome.json', 'package.json', 'build'])
    cpSync(join(root, name), join(folder, name), { recursive: true })
  for (const name of ['src', 'test', 'share', 'targets']) mkdirSync(join(folder, name))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  const git = gitIn(folder)
  git('init', '--quiet')
  const env = gitEnvironment(folder)
  execFileSync('npm', ['run', '--silent', 'hooks'], { cwd: folder, env })
  const commit = () => {
    git('add', 'src')
    const before = commits()
    const { status, stderr } = spawnSync('git', ['commit', '--quiet', '--message', 'test'], {
      cwd: folder,
      env,
      encoding: 'utf8',
    })
    return { status, stderr, made: commits() - before }
  }
  const commits = () => Number(git('rev-list', '--all', '--count'))
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return { folder, write, commit }
}

const header = '// SPDX-License-Identifier: Apache-2.0\n'

test('what is in order is committed', t => {
  const { write, commit } = cloneOf(t)
  write('src/base/a.ts', `${header}export const a = 1\n`)
  const { status, stderr, made } = commit()
  assert.deepEqual([status, made], [0, 1], stderr)
  assert.match(stderr, /Checked 1 file .*\n.*floors: every import goes down/s)
})

test('what biome refuses is not committed, and its place is named; what is not staged is not looked at', t => {
  const { write, commit } = cloneOf(t)
  write('build/not-staged.ts', `${header}export const b : number = 2;;\n`)
  write('src/base/a.ts', `${header}export const a = 1;;\n`)
  const { status, stderr, made } = commit()
  assert.deepEqual([status, made], [1, 0])
  assert.match(stderr, /src\/base\/a\.ts/)
  assert.match(stderr, /pre-commit: not committed/)
  write('src/base/a.ts', `${header}export const a = 1\n`)
  assert.equal(commit().made, 1)
})

test('a file whose name has spaces or letters beyond ASCII is checked', t => {
  const { write, commit } = cloneOf(t)
  for (const path of ['src/base/a b.ts', 'src/base/größe.ts']) {
    write(path, `${header}export const a = 1;;\n`)
    const { status, stderr, made } = commit()
    assert.deepEqual([status, made], [1, 0], stderr)
    assert.match(stderr, new RegExp(path))
    write(path, `${header}export const a = 1\n`)
  }
  assert.equal(commit().made, 1)
})

test('an import of a higher floor is not committed', t => {
  const { write, commit } = cloneOf(t)
  write('src/base/a.ts', `${header}export { b } from '../client/b.ts'\n`)
  write('src/client/b.ts', `${header}export const b = 1\n`)
  const { status, stderr, made } = commit()
  assert.deepEqual([status, made], [1, 0])
  assert.match(stderr, /src\/base\/a\.ts: imports \.\.\/client\/b\.ts: floor 0 \(base\)/)
})

test('a clone without node_modules commits, and is told that nothing was checked', t => {
  const { folder, write, commit } = cloneOf(t)
  rmSync(join(folder, 'node_modules'))
  write('src/base/a.ts', 'export const a = 1;;\n')
  const { status, stderr, made } = commit()
  assert.deepEqual([status, made], [0, 1])
  assert.match(stderr, /nothing was checked.*npm ci/)
})
