// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ErrorCode } from '../../../src/base/errors.ts'
import { isBelow, realPath } from '../../../src/platform/files/contained-path.ts'
import { fileFacts, othersCanRead } from '../../../src/platform/files/file-facts.ts'
import { ensureFolder, listFolder } from '../../../src/platform/files/folders.ts'
import { readLink } from '../../../src/platform/files/links.ts'
import { nameOf, shownName } from '../../../src/platform/files/name-bytes.ts'
import { readBoundedFile, readBoundedText } from '../../../src/platform/files/read-file.ts'
import { spaceAt } from '../../../src/platform/files/space.ts'
import { createFile, removeFile, renameFile, replaceFile } from '../../../src/platform/files/write-file.ts'
import { removeFolder } from '../../../src/platform/held/remove-tree.ts'
import { mountTmpfs } from '../../helpers/small-disk.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const withCode = (code: ErrorCode) => (error: unknown) => (error as { code?: unknown }).code === code

test('reads a file up to its limit and not a byte more', async t => {
  const path = join(tempDir(t), 'file')
  writeFileSync(path, 'x'.repeat(100_000))
  assert.equal((await readBoundedFile(path, 100_000)).length, 100_000)
  await assert.rejects(readBoundedFile(path, 99_999), withCode('LIMIT_EXCEEDED'))
  await assert.rejects(readBoundedFile(`${path}x`, 1), withCode('FILE_NOT_FOUND'))
  await assert.rejects(readBoundedFile(tempDir(t), 1), withCode('FILE_ACCESS'))
})

test('reads files of /proc, which say that they are empty', async () => {
  assert.match(await readBoundedText('/proc/self/status', 100_000), /^Name:/)
})

test('a pipe in the place of a file is refused and does not hang', async t => {
  const path = join(tempDir(t), 'pipe')
  execFileSync('mkfifo', [path])
  await assert.rejects(readBoundedFile(path, 10), withCode('FILE_ACCESS'))
})

test('replaces a file in one step with the mode that was asked for, and leaves nothing beside it', async t => {
  const folder = tempDir(t)
  const path = join(folder, 'token.cfg')
  writeFileSync(path, 'old', { mode: 0o644 })
  const oldMask = process.umask(0o077)
  t.after(() => process.umask(oldMask))
  await replaceFile(path, 'new')
  assert.equal(readFileSync(path, 'utf8'), 'new')
  assert.equal(statSync(path).mode & 0o777, 0o600)
  await replaceFile(path, 'open', { mode: 0o644 })
  assert.equal(statSync(path).mode & 0o777, 0o644)
  assert.deepEqual(readdirSync(folder), ['token.cfg'])
})

test('replacing a link replaces the link, never what it points to', async t => {
  const folder = tempDir(t)
  writeFileSync(join(folder, 'victim'), 'untouched')
  symlinkSync('victim', join(folder, 'link'))
  await replaceFile(join(folder, 'link'), 'new')
  assert.equal(readFileSync(join(folder, 'victim'), 'utf8'), 'untouched')
})

test('creates a file once, and not through a link', async t => {
  const folder = tempDir(t)
  assert.equal(await createFile(join(folder, 'a'), '1'), true)
  assert.equal(await createFile(join(folder, 'a'), '2'), false)
  assert.equal(readFileSync(join(folder, 'a'), 'utf8'), '1')
  symlinkSync('elsewhere', join(folder, 'link'))
  assert.equal(await createFile(join(folder, 'link'), '3'), false)
  assert.equal(await fileFacts(join(folder, 'elsewhere')), undefined)
  await assert.rejects(createFile(join(folder, 'no', 'b'), ''), withCode('FILE_NOT_FOUND'))
})

test('a full disk keeps the old content and no rest of the new', async t => {
  const folder = mountTmpfs(t, {})
  if (folder === undefined) return
  const path = join(folder, 'state')
  await replaceFile(path, 'old')
  await assert.rejects(replaceFile(path, Buffer.alloc(512 * 1024)), withCode('DISK_FULL'))
  assert.equal(readFileSync(path, 'utf8'), 'old')
  assert.deepEqual(readdirSync(folder), ['state'])
})

test('a read-only file system is told as such', async t => {
  const folder = mountTmpfs(t, { readOnly: true })
  if (folder === undefined) return
  await assert.rejects(replaceFile(join(folder, 'a'), ''), /read-only/)
  await assert.rejects(ensureFolder(join(folder, 'a')), /read-only/)
  await assert.rejects(renameFile(join(folder, 'a'), join(folder, 'b')), /read-only/)
})

test('tells who may read a file', async t => {
  const path = join(tempDir(t), 'file')
  for (const [mode, expected] of [
    [0o600, false],
    [0o640, true],
    [0o604, true],
    [0o711, false],
  ] as const) {
    await replaceFile(path, '', { mode })
    const facts = await fileFacts(path)
    assert.ok(facts)
    assert.equal(othersCanRead(facts), expected, mode.toString(8))
  }
})

test('makes private folders, and leaves existing ones as they are', async t => {
  const folder = tempDir(t)
  await ensureFolder(join(folder, 'a/b'))
  assert.equal((await fileFacts(join(folder, 'a/b')))?.mode, 0o700)
  mkdirSync(join(folder, 'open'), { mode: 0o755 })
  await ensureFolder(join(folder, 'open'))
  assert.equal((await fileFacts(join(folder, 'open')))?.mode, 0o755)
  writeFileSync(join(folder, 'file'), '')
  await assert.rejects(ensureFolder(join(folder, 'file')), withCode('FILE_ACCESS'))
})

test('lists a tree within its limits, and does not follow links', async t => {
  const folder = tempDir(t)
  await ensureFolder(join(folder, 'b/c'))
  writeFileSync(join(folder, 'a'), '12')
  writeFileSync(join(folder, 'b/c/d'), '1')
  symlinkSync('/', join(folder, 'link'))
  const list = async (maxEntries: number, maxDepth: number) => {
    const found: string[] = []
    for await (const { path, facts } of listFolder(folder, { maxEntries, maxDepth }))
      found.push(`${path} ${facts.kind}`)
    return found
  }
  assert.deepEqual(await list(5, 3), ['a file', 'b folder', 'link link', 'b/c folder', 'b/c/d file'])
  assert.deepEqual(await list(5, 1), ['a file', 'b folder', 'link link'])
  await assert.rejects(list(4, 3), withCode('LIMIT_EXCEEDED'))
  await assert.rejects(list(5, 2), withCode('LIMIT_EXCEEDED'))
})

test('lists names that are no UTF-8, and what is below them, and each leads back to its file', async t => {
  const folder = tempDir(t)
  const raw = (path: string) => Buffer.from(join(folder, path), 'latin1')
  mkdirSync(raw('d\xe8'))
  writeFileSync(raw('d\xe8/f\xff'), '123')
  symlinkSync(Buffer.from('d\xe8', 'latin1'), raw('l\xe9'))
  const found: string[] = []
  for await (const { path, facts } of listFolder(folder, { maxEntries: 9, maxDepth: 9 })) {
    found.push(`${shownName(path)} ${facts.kind}`)
    if (facts.kind === 'file') assert.equal(await readBoundedText(join(folder, path), 9), '123')
    if (facts.kind === 'link') assert.equal(await readLink(join(folder, path)), nameOf(Buffer.from('d\xe8', 'latin1')))
  }
  assert.deepEqual(found, ['d\\xE8 folder', 'l\\xE9 link', 'd\\xE8/f\\xFF file'])
  await removeFolder(join(folder, nameOf(Buffer.from('d\xe8', 'latin1'))))
  await removeFile(join(folder, nameOf(Buffer.from('l\xe9', 'latin1'))))
  assert.deepEqual(readdirSync(folder), [])
  await assert.rejects(
    fileFacts(join(folder, `${'x'.repeat(300)}\n`)),
    /Cannot look at \/\S{150,200}…: the name is too long/,
  )
})

test('removing a folder does not reach through its links', async t => {
  const folder = tempDir(t)
  await ensureFolder(join(folder, 'keep'))
  writeFileSync(join(folder, 'keep/file'), '')
  await ensureFolder(join(folder, 'gone/deep'))
  symlinkSync('../keep', join(folder, 'gone/link'))
  await removeFolder(join(folder, 'gone'))
  await removeFolder(join(folder, 'gone'))
  assert.deepEqual(readdirSync(folder), ['keep'])
  assert.deepEqual(readdirSync(join(folder, 'keep')), ['file'])
})

test('a real path has no links, a new file has one too, and a way that leads nowhere is refused', async t => {
  const base = tempDir(t)
  const folder = join(base, 'runtime')
  await ensureFolder(join(folder, 'sub'))
  symlinkSync('/etc', join(folder, 'out'))
  symlinkSync('sub', join(folder, 'in'))
  symlinkSync('/nowhere/at/all', join(folder, 'dangling'))
  const real = await realPath(folder)
  assert.equal(await realPath(join(folder, 'sub/new/file')), join(real, 'sub/new/file'))
  assert.equal(await realPath(join(folder, 'in/file')), join(real, 'sub/file'))
  assert.equal(await realPath(`${folder}/sub/../a`), join(real, 'a'))
  assert.equal(await realPath(join(folder, 'out/passwd')), await realPath('/etc/passwd'))
  for (const path of ['dangling', 'dangling/x', 'a\0b'])
    await assert.rejects(realPath(`${folder}/${path}`), withCode('PATH_REFUSED'), path)
})

test('a path is below a folder by whole names', () => {
  assert.equal(isBelow('/a', '/a'), true)
  assert.equal(isBelow('/a', '/a/b'), true)
  assert.equal(isBelow('/', '/a'), true)
  assert.equal(isBelow('/a', '/ab'), false)
  assert.equal(isBelow('/a', '/'), false)
})

test('measures the room where a file would be', async t => {
  const space = await spaceAt(join(tempDir(t), 'not/yet/there'))
  assert.ok(space.freeBytes > 0 && space.totalBytes >= space.freeBytes)
  const full = mountTmpfs(t, { full: true })
  if (full === undefined) return
  assert.equal((await spaceAt(full)).freeBytes, 0)
})
