// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chownSync, linkSync, mkdirSync, renameSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { AgentError, type ErrorCode } from '../../../src/base/errors.ts'
import { type ForeignFile, openForeignFolder } from '../../../src/platform/owners/foreign-folder.ts'
import { needsRoot, stranger } from '../../helpers/as-root.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

/** A folder of a stranger, and a secret of root's beside it. */
function scene(t: TestContext): { folder: string; secret: string } {
  const above = tempDir(t)
  const folder = join(above, 'state')
  const secret = join(above, 'secret')
  mkdirSync(folder)
  writeFileSync(secret, 'secret')
  chownSync(folder, stranger, stranger)
  return { folder, secret }
}

function write(path: string, text: string, owner = stranger): void {
  writeFileSync(path, text)
  chownSync(path, owner, owner)
}

function refusal(code: ErrorCode, words: RegExp) {
  return (error: unknown) => error instanceof AgentError && error.code === code && words.test(error.message)
}

async function textOf(file: ForeignFile | undefined): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const chunk of file?.chunks() ?? []) parts.push(chunk)
  return Buffer.concat(parts).toString()
}

test("reads its owner's own file, and nothing where there is none", needsRoot, async t => {
  const { folder } = scene(t)
  const held = await openForeignFolder(folder, stranger)
  t.after(() => held.close())
  assert.equal(await held.file('a', 100), undefined)
  write(join(folder, 'a'), 'text')
  const file = await held.file('a', 100)
  assert.equal(await textOf(file), 'text')
  await file?.close()
  await held.remove('a')
  await held.remove('a')
  assert.equal(await held.file('a', 100), undefined)
})

type Place = { readonly at: string; readonly secret: string }
const planted: readonly [what: string, plant: (place: Place) => void, code: ErrorCode, words: RegExp][] = [
  ['a link', ({ at, secret }) => symlinkSync(secret, at), 'PATH_REFUSED', /a link, or not a regular file/],
  ['a link to nowhere', ({ at }) => symlinkSync('/nowhere', at), 'PATH_REFUSED', /a link, or not a regular file/],
  ['a second name of a file of root', ({ at, secret }) => linkSync(secret, at), 'PATH_REFUSED', /belongs to uid 0/],
  [
    'a second name of an own file',
    ({ at, secret }) => {
      write(`${secret}-own`, 'x')
      linkSync(`${secret}-own`, at)
    },
    'PATH_REFUSED',
    /has 2 names/,
  ],
  ['a FIFO', ({ at }) => void spawnSync('mkfifo', [at]), 'PATH_REFUSED', /not a regular file/],
  ['a folder', ({ at }) => mkdirSync(at), 'PATH_REFUSED', /not a regular file/],
  ['a file of somebody else', ({ at }) => write(at, 'x', stranger + 1), 'PATH_REFUSED', /belongs to uid 4712/],
  [
    'a huge file',
    ({ at }) => {
      write(at, '')
      truncateSync(at, 10 ** 12)
    },
    'LIMIT_EXCEEDED',
    /at most 100 are allowed/,
  ],
]
for (const [what, plant, code, words] of planted)
  test(`refuses ${what} in the place of a file, and removes it as such`, needsRoot, async t => {
    const { folder, secret } = scene(t)
    const at = join(folder, 'a')
    plant({ at, secret })
    const held = await openForeignFolder(folder, stranger)
    t.after(() => held.close())
    await assert.rejects(held.file('a', 100), refusal(code, words))
    await held.remove('a')
    assert.equal(await held.file('a', 100), undefined)
  })

test('a folder that is swapped for a link after it was opened leads nowhere else', needsRoot, async t => {
  const { folder } = scene(t)
  mkdirSync(join(folder, 'download'))
  chownSync(join(folder, 'download'), stranger, stranger)
  write(join(folder, 'download/p'), 'own')
  const held = await openForeignFolder(folder, stranger)
  const download = await held.folder('download')
  t.after(async () => {
    await download.close()
    await held.close()
  })
  renameSync(join(folder, 'download'), join(folder, 'away'))
  symlinkSync('/etc', join(folder, 'download'))
  const file = await download.file('p', 100)
  assert.equal(await textOf(file), 'own')
  await file?.close()
  await assert.rejects(held.folder('download'), refusal('PATH_REFUSED', /a link, or not a folder/))
})

test('a folder that is a link, or of another user, is refused', needsRoot, async t => {
  const { folder } = scene(t)
  symlinkSync('/etc', `${folder}-link`)
  await assert.rejects(
    openForeignFolder(`${folder}-link`, stranger),
    refusal('PATH_REFUSED', /a link, or not a folder/),
  )
  await assert.rejects(openForeignFolder(folder, stranger + 1), refusal('PATH_REFUSED', /belongs to uid 4711/))
})

test('only plain names are looked for', needsRoot, async t => {
  const { folder } = scene(t)
  const held = await openForeignFolder(folder, stranger)
  t.after(() => held.close())
  for (const name of ['..', '../secret', '/etc/passwd', '', '.', 'a\0b'])
    await assert.rejects(async () => held.file(name, 100), refusal('PATH_REFUSED', /not a plain name/))
})
