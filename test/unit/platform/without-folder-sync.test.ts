// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { putInPlace } from '../../../src/platform/files/put-in-place.ts'
import { syncFolder, syncFolderNow } from '../../../src/platform/files/sync-folder.ts'
import { createFile, renameFile, replaceFile } from '../../../src/platform/files/write-file.ts'
import { openTransferFolder } from '../../../src/platform/held/transfer-folder.ts'
import { openForeignFolder } from '../../../src/platform/owners/foreign-folder.ts'
import { storeFolder } from '../../../src/platform/store/store-folder.ts'
import { WriteBudget } from '../../../src/platform/store/write-budget.ts'
import { tempDir } from '../../helpers/temp-dir.ts'
import { refusedSyncs, refusingWith } from '../../helpers/without-folder-sync.ts'

/** Does something in a folder, and makes sure that the folder was to be synced. */
async function inFolder(t: TestContext, work: (folder: string) => Promise<unknown>): Promise<string> {
  const folder = tempDir(t)
  const before = refusedSyncs()
  await work(folder)
  assert.ok(refusedSyncs() > before, 'the folder was not to be synced')
  return folder
}

test('a file is written where the file system cannot sync a folder', async t => {
  const folder = await inFolder(t, async folder => {
    await replaceFile(join(folder, 'settings'), 'new')
    assert.equal(await createFile(join(folder, 'made'), 'x'), true)
    await renameFile(join(folder, 'made'), join(folder, 'renamed'))
    await putInPlace(join(folder, 'renamed'), join(folder, 'placed'))
  })
  assert.deepEqual(readdirSync(folder), ['placed', 'settings'])
})

test('a store folder is written where the file system cannot sync a folder', async t => {
  const folder = await inFolder(t, async path => {
    const store = storeFolder(path, new WriteBudget())
    await store.prepare()
    const segment = await store.create('segment', 'test')
    await segment.append(Buffer.from('x'))
    await segment.sync()
    await segment.close()
    await store.replace('cursor', Buffer.from('1'), 'test')
  })
  assert.deepEqual(readdirSync(folder), ['cursor', 'segment'])
})

test('the last write of a process is done where the file system cannot sync a folder', async t => {
  const folder = await inFolder(t, async path => {
    const store = storeFolder(path, new WriteBudget())
    await store.prepare()
    store.createNow('segment', Buffer.from('x'), 'test')
    store.replaceNow('cursor', Buffer.from('1'), 'test')
  })
  assert.equal(readFileSync(join(folder, 'cursor'), 'utf8'), '1')
  assert.equal(readFileSync(join(folder, 'segment'), 'utf8'), 'x')
})

test('a file of another user is removed, and a download put in place, where the file system cannot sync a folder', async t => {
  const folder = await inFolder(t, async path => {
    writeFileSync(join(path, 'request'), '')
    const foreign = await openForeignFolder(path, process.getuid?.() ?? 0)
    await foreign.remove('request')
    await foreign.close()
  })
  assert.deepEqual(readdirSync(folder), [])
  await inFolder(t, async path => {
    const held = await openTransferFolder(path)
    await held.sync()
    await held.close()
  })
})

test('any other failure to sync a folder is one', async t => {
  const missing = join(tempDir(t), 'missing')
  await assert.rejects(syncFolder(missing), { code: 'FILE_NOT_FOUND' })
  assert.throws(() => syncFolderNow(missing), { code: 'ENOENT' })
})

test('every error that says that folders cannot be synced is passed over', async t => {
  for (const errno of ['EINVAL', 'ENOTSUP', 'ENOSYS'])
    await refusingWith(errno, async () => {
      await inFolder(t, syncFolder)
      await inFolder(t, async folder => syncFolderNow(folder))
    })
})

test('a disk that fails to sync a folder is no file system without such syncs', async t => {
  const store = storeFolder(join(tempDir(t), 'store'), new WriteBudget())
  await store.prepare()
  const folder = store.path
  await refusingWith('EIO', async () => {
    const failure = { code: 'FILE_ACCESS', details: { path: folder, errno: 'EIO' } }
    await assert.rejects(syncFolder(folder), failure)
    assert.throws(() => syncFolderNow(folder), { code: 'EIO' })
    await assert.rejects(store.create('segment', 'test'), failure)
    assert.deepEqual(readdirSync(folder), [], 'what may not be on the disk is not left there')
    await assert.rejects(store.replace('cursor', Buffer.from('1'), 'test'), failure)
    for (const write of ['createNow', 'replaceNow'] as const)
      assert.throws(() => store[write](write, Buffer.from('1'), 'test'), { code: 'FILE_ACCESS' })
    await assert.rejects(replaceFile(join(folder, 'settings'), 'new'), { code: 'FILE_ACCESS' })
  })
})
