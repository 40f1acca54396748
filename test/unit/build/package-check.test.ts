// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { namedFiles, packageComplaints, packedFiles, staleness } from '../../../build/checks/package-check.ts'
import { root } from '../../../build/places.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const named = namedFiles(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')))

/** What npm would publish of this project, built, with `more` in its folder. */
async function packed(t: TestContext, more: readonly string[] = []): Promise<string[]> {
  const folder = tempDir(t)
  for (const name of ['package.json', 'README.md', 'CHANGELOG.md', 'LICENSE', '.gitignore', 'share'])
    cpSync(join(root, name), join(folder, name), { recursive: true })
  // npm goes by names alone.
  for (const path of [...named, ...more]) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), 'x')
  }
  return await packedFiles(folder)
}

test('package.json names the library for import and require with its types, and the command', () => {
  const dist = ['index.d.ts', 'index.js', 'index.d.cts', 'index.cjs', 'cli.cjs']
  assert.deepEqual(
    named,
    dist.map(name => `dist/${name}`),
  )
})

test('the published package has what package.json names and what the README links to, and nothing else', async t => {
  const beside = [
    'dist/device-cloud-linux-x64',
    'dist/release/SHA256SUMS',
    'dist/index.js.new',
    'src/main.ts',
    '.npmrc',
  ]
  const files = await packed(t, [
    ...beside,
    'test/a.test.ts',
    '.cache/node',
    'build/build.ts',
    'key.pem',
    'targets/x.json',
  ])
  assert.deepEqual(packageComplaints(named, files), [])
  const links = readFileSync(join(root, 'README.md'), 'utf8').matchAll(/\]\((share\/[^)#]+)/g)
  for (const [, link = ''] of links)
    assert.ok(
      files.some(path => path === link || path.startsWith(`${link}/`)),
      link,
    )
})

test('a file that is missing, and one that should not be there, are named', () => {
  const fine = [...named, 'package.json', 'README.md', 'LICENSE', 'share/install.md']
  assert.deepEqual(packageComplaints(named, fine), [])
  const without = fine.filter(path => path !== 'dist/index.d.cts')
  assert.deepEqual(packageComplaints(named, [...without, 'src/main.ts', 'dist/release/SHA256SUMS']), [
    'dist/index.d.cts is missing: npm run build',
    'src/main.ts would be published, and package.json does not name it',
    'dist/release/SHA256SUMS would be published, and package.json does not name it',
  ])
})

test('a build of another version or commit, of changed sources or without git is not published', () => {
  const said = (version: string, commit: string | null) => JSON.stringify({ version, commit })
  assert.deepEqual(staleness(said('26.12.1', 'c0ffee'), '26.12.1', 'c0ffee'), [])
  assert.match(staleness(said('26.12.1', 'c0ffee'), '26.12.2', 'c0ffee').join(), /is of 26\.12\.1.*npm run build/)
  assert.match(staleness(said('26.12.1', 'decade'), '26.12.1', 'c0ffee').join(), /decade.*npm run build/)
  assert.match(staleness(said('26.12.1', 'c0ffee-dirty'), '26.12.1', 'c0ffee').join(), /npm run build/)
  assert.match(staleness(said('26.12.1', 'c0ffee-dirty'), '26.12.1', 'c0ffee-dirty').join(), /commit them first/)
  assert.match(staleness(said('26.12.1', null), '26.12.1', undefined).join(), /publish from a clone/)
})
