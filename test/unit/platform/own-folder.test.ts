// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { chownSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { storeFolder } from '../../../src/platform/store/store-folder.ts'
import { WriteBudget } from '../../../src/platform/store/write-budget.ts'
import { needsRoot, stranger } from '../../helpers/as-root.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()
const refusal = { code: 'POLICY_REFUSED' }
const open = (path: string) => storeFolder(path, new WriteBudget())

/** HOME/queue: the home is a stranger's, and the queue was made by root. */
async function inHomeOfStranger(t: TestContext) {
  const home = tempDir(t)
  chownSync(home, stranger, stranger)
  const path = join(home, 'queue')
  const folder = open(path)
  await folder.prepare()
  return { home, path, folder }
}

test('while a folder is looked at once more, a process that ends still writes to it', async t => {
  const path = join(tempDir(t), 'queue')
  const folder = open(path)
  await folder.prepare()
  const look = folder.prepare()
  folder.createNow('last', Buffer.from('x'), 'test')
  await look
  assert.deepEqual(readdirSync(path), ['last'])
})

test('a folder of another user, and one with a file of his, is not read and not written', needsRoot, async t => {
  const path = join(tempDir(t), 'queue')
  mkdirSync(path)
  writeFileSync(join(path, 'journal'), 'forged')
  chownSync(path, stranger, stranger)
  const folder = open(path)
  const refused = async (pattern: RegExp) => {
    const tries: readonly (() => Promise<unknown>)[] = [
      () => folder.prepare(),
      () => folder.names(),
      () => folder.read('journal', 0, 100),
      () => folder.replace('journal', new Uint8Array(1), 'test'),
      () => folder.create('other', 'test'),
      () => folder.rename('journal', 'other'),
      () => folder.remove('journal'),
    ]
    for (const one of tries) await assert.rejects(one, { ...refusal, message: pattern })
  }
  await refused(/belongs to uid 4711.*chown root: /)
  chownSync(path, 0, 0)
  chownSync(join(path, 'journal'), stranger, stranger)
  await refused(/journal belongs to uid 4711/)
  assert.deepEqual(readdirSync(path), ['journal'])
  chownSync(join(path, 'journal'), 0, 0)
  await folder.prepare()
  assert.equal(text(await folder.read('journal', 0, 100)), 'forged', 'whoever gives it to root says that it is right')
})

test(
  'a folder of root in the home of another user is used as long as it is the one that was looked at',
  needsRoot,
  async t => {
    const { home, path, folder } = await inHomeOfStranger(t)
    await folder.replace('journal', Buffer.from('true'), 'test')
    const file = await folder.create('segment', 'test')
    await file.append(Buffer.from('x'))
    await file.sync()
    assert.equal(text(await folder.read('journal', 0, 100)), 'true')
    assert.deepEqual(await folder.names(), ['journal', 'segment'])

    // Its owner cannot change it, but he can put another one in its place: even one that root has made.
    renameSync(path, join(home, 'was'))
    mkdirSync(path, { mode: 0o700 })
    await assert.rejects(folder.read('journal', 0, 100), { message: /another file is in its place/ })
    await assert.rejects(folder.replace('journal', Buffer.from('lost'), 'test'), { message: /in its place/ })
    await assert.rejects(file.sync())
    await file.close()
    assert.deepEqual(readdirSync(path), [])

    renameSync(path, join(home, 'other'))
    const etc = tempDir(t)
    symlinkSync(etc, path)
    await assert.rejects(folder.create('passwd', 'test'))
    await folder.prepare()
    await assert.rejects(folder.create('passwd', 'test'), { message: /symbolic link|not a folder|in its place/ })
    assert.deepEqual(readdirSync(etc), [], 'nothing is written where his link leads')
  },
)

test('a folder that comes between two looks was looked at by nobody', needsRoot, async t => {
  const path = join(tempDir(t), 'queue')
  const folder = open(path)
  await assert.rejects(folder.names(), { code: 'FILE_NOT_FOUND' })
  await folder.remove('nothing')
  mkdirSync(path)
  chownSync(path, stranger, stranger)
  await assert.rejects(folder.names(), refusal)
})
