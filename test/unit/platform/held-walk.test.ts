// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { nameOf } from '../../../src/platform/files/name-bytes.ts'
import { folderTree, openFileBelow } from '../../../src/platform/held/folder-tree.ts'
import type { ReadableFile } from '../../../src/platform/held/readable-file.ts'
import { openTransferFolder } from '../../../src/platform/held/transfer-folder.ts'
import { walkPath } from '../../../src/platform/held/walk.ts'
import type { Walked } from '../../../src/platform/held/walked.ts'
import { needsRoot } from '../../helpers/as-root.ts'
import { asAttacker, attackersFolder, openDescriptors } from '../../helpers/attacker.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

function scene(t: TestContext) {
  const root = realpathSync(tempDir(t))
  mkdirSync(join(root, 'data/sub'), { recursive: true })
  writeFileSync(join(root, 'data/sub/file'), 'content')
  t.after(() => assert.deepEqual(openDescriptors(root), [], 'nothing stays open'))
  return { root, data: join(root, 'data') }
}

/** Where a way leads, and what is told of it. */
async function told(path: string) {
  const walked = await walkPath(path)
  try {
    const { file, missing, failure } = walked
    return { path: walked.path, folder: walked.last.path, kind: file?.facts.kind, missing, failure: failure?.code }
  } finally {
    await walked.close()
  }
}

async function text(file: ReadableFile): Promise<string> {
  try {
    const into = Buffer.alloc(100)
    return into.toString('utf8', 0, await file.read(into, 0))
  } finally {
    await file.close()
  }
}

async function content(walked: Walked): Promise<string> {
  try {
    return await text(await walked.openFile())
  } finally {
    await walked.close()
  }
}

test('a way is told as it is: files, folders, what is not there, and what stands in it', async t => {
  const { data } = scene(t)
  execFileSync('mkfifo', [join(data, 'fifo')])
  const rows = [
    ['sub/file', { path: join(data, 'sub/file'), folder: join(data, 'sub'), kind: 'file', missing: [] }],
    ['sub', { path: join(data, 'sub'), folder: join(data, 'sub'), kind: undefined, missing: [] }],
    ['fifo', { path: join(data, 'fifo'), folder: data, kind: 'other', missing: [] }],
    ['a/b', { path: join(data, 'a/b'), folder: data, kind: undefined, missing: ['a', 'b'] }],
    ['sub/file/x', { path: join(data, 'sub/file/x'), folder: join(data, 'sub'), kind: 'file', missing: ['x'] }],
  ] as const
  for (const [path, expected] of rows)
    assert.deepEqual(
      await told(join(data, path)),
      { ...expected, failure: path === 'sub/file/x' ? 'FILE_NOT_FOUND' : undefined },
      path,
    )
  assert.equal((await told('/')).folder, '/')
})

test('links of our own are followed to where they really lead, also upwards and one after the other', async t => {
  const { root, data } = scene(t)
  mkdirSync(join(root, 'other'))
  symlinkSync('../data/./sub', join(root, 'other/relative'))
  symlinkSync(join(root, 'other'), join(root, 'absolute'))
  symlinkSync('absolute/relative', join(root, 'chain'))
  symlinkSync('other/relative/../sub', join(root, 'back'))
  symlinkSync('../../../../../../../../../../../../..', join(root, 'top'))
  for (const name of ['other/relative', 'absolute/relative', 'chain', 'back'])
    assert.equal((await told(join(root, name, 'file'))).path, join(data, 'sub/file'), name)
  assert.equal((await told(join(root, 'top', data))).path, data)
})

test('a link leads to a folder whose name is no UTF-8', async t => {
  const { root } = scene(t)
  const name = Buffer.from('d\xe8', 'latin1')
  mkdirSync(Buffer.concat([Buffer.from(`${root}/`), name]))
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), name, Buffer.from('/file')]), '')
  symlinkSync(name, join(root, 'link'))
  const { path, missing } = await told(join(root, 'link/file'))
  assert.deepEqual([path, missing], [join(root, nameOf(name), 'file'), []])
})

test('links that lead nowhere, in circles, or have two names are refused', async t => {
  const { root } = scene(t)
  symlinkSync('nowhere', join(root, 'dangling'))
  symlinkSync('data/none/x', join(root, 'inside-dangling'))
  symlinkSync('loop', join(root, 'loop'))
  symlinkSync('data', join(root, 'twice'))
  linkSync(join(root, 'twice'), join(root, 'twice-again'))
  for (const name of ['dangling', 'dangling/x', 'inside-dangling', 'loop', 'loop/x', 'twice/sub'])
    await assert.rejects(walkPath(join(root, name)), { code: 'PATH_REFUSED' }, name)
})

test('a link of another user is not followed, wherever it is on the way', needsRoot, async t => {
  const { root, data } = scene(t)
  const theirs = attackersFolder(root, 'theirs')
  asAttacker(`ln -s ${data} ${theirs}/folder`, `ln -s ${data}/sub/file ${theirs}/file`)
  for (const path of ['folder', 'folder/sub/file', 'file'])
    await assert.rejects(walkPath(join(theirs, path)), { code: 'PATH_REFUSED', message: /link .*user 65534/ }, path)
  // The same links, made by root.
  symlinkSync(data, join(theirs, 'of-root'))
  assert.equal((await told(join(theirs, 'of-root/sub/file'))).path, join(data, 'sub/file'))
})

test('what was walked to is what is read and written, whatever happens to its path afterwards', async t => {
  const { root, data } = scene(t)
  const file = await walkPath(join(data, 'sub/file'))
  const place = await walkPath(join(data, 'sub/new'))
  renameSync(join(data, 'sub'), join(root, 'moved'))
  mkdirSync(join(root, 'trap'))
  writeFileSync(join(root, 'trap/file'), 'secret')
  symlinkSync(join(root, 'trap'), join(data, 'sub'))
  assert.equal(await content(file), 'content')
  const made = await place.folder.createPrivate('.', '.part')
  await made.write(Buffer.from('new'), 0)
  await made.close()
  await place.folder.rename(made.name, 'new')
  await place.close()
  assert.equal(readFileSync(join(root, 'moved/new'), 'utf8'), 'new')
  assert.deepEqual(readdirSync(join(root, 'trap')), ['file'])
})

test('who else could have put a folder where it is, and things into it', needsRoot, async t => {
  const { root } = scene(t)
  const theirs = attackersFolder(root, 'theirs')
  const facts = async (path: string) => {
    const walked = await walkPath(path)
    await walked.close()
    return [walked.last.movableBy, walked.last.isOpenToOthers]
  }
  mkdirSync(join(theirs, 'of-root'))
  assert.deepEqual(await facts(join(root, 'data')), [undefined, false])
  assert.deepEqual(await facts(theirs), [undefined, true])
  assert.deepEqual(await facts(join(theirs, 'of-root')), [65_534, false])
  mkdirSync(join(root, 'shared/own/deep'), { recursive: true })
  chmodSync(join(root, 'shared'), 0o1777)
  assert.deepEqual(await facts(join(root, 'shared/own')), [undefined, false], 'a sticky folder keeps what is in it')
  asAttacker(`mkdir ${root}/shared/his`)
  assert.deepEqual(await facts(join(root, 'shared/his')), [65_534, true])
  chmodSync(join(root, 'shared'), 0o777)
  assert.deepEqual(await facts(join(root, 'shared/own/deep')), ['several', false])
  chownSync(join(theirs, 'of-root'), 1234, 1234)
  mkdirSync(join(theirs, 'of-root/deep'))
  assert.deepEqual(await facts(join(theirs, 'of-root/deep')), ['several', false])
})

test('a folder is held by its name only within it: no name leads out', async t => {
  const { root, data } = scene(t)
  writeFileSync(join(root, 'outside'), 'x')
  const folder = await openTransferFolder(data)
  for (const name of ['..', '.', '', 'sub/file', '../outside', 'a\0b'])
    await assert.rejects(folder.look(name), { code: 'PATH_REFUSED' }, JSON.stringify(name))
  await folder.close()
})

test('a tree is listed and opened step by step; a folder that becomes a link meanwhile is not followed', async t => {
  const { root, data } = scene(t)
  mkdirSync(join(root, 'trap'))
  writeFileSync(join(root, 'trap/file'), 'secret')
  symlinkSync(join(root, 'trap'), join(data, 'link'))
  const top = await openTransferFolder(data)
  const seen: string[] = []
  for await (const { path, facts } of folderTree(top, { maxEntries: 100, maxDepth: 5 }))
    seen.push(`${facts.kind} ${path}`)
  assert.deepEqual(seen, ['link link', 'folder sub', 'file sub/file'])
  assert.equal(await text(await openFileBelow(top, 'sub/file')), 'content')
  const swapped: string[] = []
  for await (const { path } of folderTree(top, { maxEntries: 100, maxDepth: 5 })) {
    swapped.push(path)
    if (path !== 'sub') continue
    renameSync(join(data, 'sub'), join(root, 'moved'))
    symlinkSync(join(root, 'trap'), join(data, 'sub'))
  }
  assert.deepEqual(swapped, ['link', 'sub'])
  for (const path of ['sub/file', 'link/file', 'link'])
    await assert.rejects(openFileBelow(top, path), /not a folder|not a regular file|symbolic link/, path)
  await top.close()
})

test('a tree is bounded in entries and in depth', async t => {
  const { data } = scene(t)
  const top = await openTransferFolder(data)
  const all = async (limits: { maxEntries: number; maxDepth: number }) => {
    for await (const _ of folderTree(top, limits));
  }
  await assert.rejects(all({ maxEntries: 1, maxDepth: 9 }), { code: 'LIMIT_EXCEEDED' })
  await assert.rejects(all({ maxEntries: 9, maxDepth: 1 }), { code: 'LIMIT_EXCEEDED' })
  await all({ maxEntries: 2, maxDepth: 2 })
  await top.close()
})
