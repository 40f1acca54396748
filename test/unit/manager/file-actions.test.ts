// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, realpathSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { AgentError } from '../../../src/base/errors.ts'
import { fileDownloadAction, type TransferSettings } from '../../../src/manager/transfers/file-download.ts'
import { fileUploadAction } from '../../../src/manager/transfers/file-upload.ts'
import { archiveFolder, snapshotsOf } from '../../../src/manager/transfers/folder-archive.ts'
import { makeWay } from '../../../src/platform/held/make-way.ts'
import { callAction } from '../../helpers/action-scene.ts'
import { openDescriptors } from '../../helpers/attacker.ts'
import { reachScene } from '../../helpers/reach-scene.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

function scene(t: TestContext, changed: Partial<TransferSettings> = {}) {
  const { runtime, downloadFolder, uploadFolder, reach } = reachScene(t)
  t.after(() => assert.deepEqual(openDescriptors(runtime), [], 'nothing stays open'))
  const settings: TransferSettings = {
    downloadFolder,
    uploadFolder,
    waitForFileTransfer: true,
    downloadTimeoutS: 15,
    uploadRemoveOnSuccess: true,
    uploadTarFile: true,
    ...changed,
  }
  const said: unknown[] = []
  const background: Promise<unknown>[] = []
  const put = (name: string, text = name) => {
    const path = join(settings.uploadFolder, name)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, text)
    return path
  }
  const exists = (path: string) => statSync(path, { throwIfNoEntry: false }) !== undefined
  return { runtime, settings, said, background, reach, put, exists }
}

function downloadIn(s: ReturnType<typeof scene>, fail?: AgentError) {
  return fileDownloadAction({
    settings: () => s.settings,
    destination: named => s.reach.destination(named),
    background: (what, work) =>
      void s.background.push(work(new AbortController().signal).catch(() => s.said.push(what))),
    download: async (name, settle, { global, timeoutMs }) => {
      const { path, folder, missing } = await settle()
      const made = await makeWay(folder, missing)
      if (made !== folder) await made.close()
      await folder.close()
      s.said.push([name, path, global, timeoutMs])
      if (fail) throw fail
    },
  })
}

test('file_download fetches to the place that the parameters name, and makes the folders on the way [TR50 4.5]', async t => {
  const s = scene(t)
  const { outcome } = await callAction(downloadIn(s), {
    file_name: 'cloud.bin',
    file_path: 'a/b/local.bin',
    use_global_store: true,
  })
  assert.deepEqual(outcome(), { status: 0, message: '' })
  assert.deepEqual(s.said, [['cloud.bin', join(s.settings.downloadFolder, 'a/b/local.bin'), true, 15_000]])
  assert.equal(statSync(join(s.settings.downloadFolder, 'a/b')).mode & 0o777, 0o700)
})

test('file_download to a path that ends with / puts the file into that folder, which need not be there', async t => {
  const s = scene(t)
  const { outcome } = await callAction(downloadIn(s), { file_name: 'cloud.bin', file_path: 'new/folder/' })
  assert.deepEqual(outcome(), { status: 0, message: '' })
  assert.deepEqual(s.said, [['cloud.bin', join(s.settings.downloadFolder, 'new/folder/cloud.bin'), false, 15_000]])
  assert.ok(s.exists(join(s.settings.downloadFolder, 'new/folder')))
})

test('file_download without a name or path, or to a folder, is a bad parameter [M2]', async t => {
  const s = scene(t)
  for (const params of [{}, { file_path: '' }, { file_path: '.' }, { file_name: 5 }, { file_path: '~/x' }])
    assert.equal((await callAction(downloadIn(s), params)).outcome()?.status, 2, JSON.stringify(params))
  assert.deepEqual(s.said, [])
})

test('file_download tells how the transfer failed', async t => {
  const s = scene(t)
  const rows = [
    [new AgentError('FILE_NOT_FOUND', 'the cloud has no file'), 12],
    [new AgentError('REFUSED_BY_CLOUD', 'no', { details: { errorCodes: [-90008] } }), 12],
    [new AgentError('TIMEOUT', 'out of time'), 16],
    [new AgentError('DISK_FULL', 'no room'), 7],
    [new AgentError('CHECKSUM_MISMATCH', 'wrong'), 8],
    [new AgentError('FILE_ACCESS', 'read-only'), 8],
    [new AgentError('LINK_LOST', 'gone'), 17],
    [new AgentError('HTTP_STATUS', '500'), 19],
  ] as const
  for (const [error, status] of rows) {
    const { outcome } = await callAction(downloadIn(s, error), { file_name: 'x' })
    assert.deepEqual(outcome(), { status, message: error.message })
  }
})

test('file_download that leaves its folder is refused before anything is fetched or made [M1]', async t => {
  const s = scene(t)
  symlinkSync(s.runtime, join(s.settings.downloadFolder, 'out'))
  for (const file_path of ['../x', 'out/x', 'out/new/x'])
    assert.equal((await callAction(downloadIn(s), { file_path })).outcome()?.status, 10, file_path)
  assert.deepEqual(s.said, [])
  assert.ok(!s.exists(join(s.runtime, 'new')))
})

test('without wait_for_file_transfer the answer does not wait, and a failure is told', async t => {
  const s = scene(t, { waitForFileTransfer: false })
  const { outcome } = await callAction(downloadIn(s, new AgentError('TIMEOUT', 'slow')), { file_name: 'x' })
  assert.equal(outcome()?.status, 0)
  await Promise.all(s.background)
  assert.equal(s.said.at(-1), 'download of x')
})

function uploadIn(s: ReturnType<typeof scene>, during: (path: string) => void = () => {}) {
  const file = (path: string) => ({ name: path, path, bytes: 1, crc32: 0, tries: 1 })
  return fileUploadAction({
    snapshots: snapshotsOf,
    archive: (folder, signal) => archiveFolder(folder, s.runtime, signal),
    source: named => s.reach.source(named),
    settings: () => s.settings,
    background: (_what, work) => void s.background.push(work(new AbortController().signal)),
    uploadFile: async ({ path, open }, { name, global }) => {
      await (await open()).close()
      s.said.push([path.replace(/\.upload-\w+/, 'TEMPORARY'), name, global])
      during(path)
      return { path, bytes: 1, files: [file(path)] }
    },
    uploadFolder: async ({ path }, { name, global }) => {
      s.said.push(['folder', name, global])
      during(path)
      return { path, bytes: 1, files: [file(join(path, 'a')), file(join(path, 'b'))] }
    },
  })
}

test('uploading one file removes that file, and leaves its neighbours alone [M3]', async t => {
  const s = scene(t)
  const sent = s.put('a.log')
  const neighbour = s.put('b.log')
  const deep = s.put('sub/c.log')
  const { outcome } = await callAction(uploadIn(s), { file_name: 'a.log' })
  assert.deepEqual(outcome(), { status: 0, message: '' })
  assert.deepEqual(s.said, [[sent, 'a.log', false]])
  assert.deepEqual([sent, neighbour, deep].map(s.exists), [false, true, true])
})

test('a file that was written to while it was sent is not removed', async t => {
  const s = scene(t)
  const sent = s.put('a.log')
  await callAction(
    uploadIn(s, path => writeFileSync(path, 'more', { flag: 'a' })),
    { file_name: 'a.log' },
  )
  assert.ok(s.exists(sent))
})

test('nothing is removed when the upload fails, when it is switched off, or outside of an upload folder', async t => {
  const s = scene(t)
  const failing = s.put('a.log')
  const fail = () => {
    throw new AgentError('HTTP_STATUS', '500')
  }
  assert.equal((await callAction(uploadIn(s, fail), { file_name: 'a.log' })).outcome()?.status, 19)
  // The Python agent removed from every path with a folder of this name in it.
  const elsewhere = join(realpathSync(tempDir(t)), 'upload', 'elsewhere.log')
  mkdirSync(join(elsewhere, '..'))
  writeFileSync(elsewhere, 'x')
  assert.equal((await callAction(uploadIn(s), { file_path: elsewhere })).outcome()?.status, 0)
  const kept = scene(t, { uploadRemoveOnSuccess: false })
  const keptFile = kept.put('a.log')
  await callAction(uploadIn(kept), { file_name: 'a.log' })
  assert.ok(s.exists(failing) && s.exists(elsewhere) && kept.exists(keptFile))
})

test('the whole upload folder goes as one tar, named after its path; what arrives meanwhile stays [M3] [M4]', async t => {
  const s = scene(t)
  const files = [s.put('a'), s.put('sub/b')]
  let archive = ''
  const { outcome } = await callAction(
    uploadIn(s, path => {
      archive = path
      s.put('arrived')
    }),
    {},
  )
  assert.deepEqual(outcome(), { status: 0, message: '' })
  const name = `${s.settings.uploadFolder.slice(1).replaceAll('/', '-')}.tar`
  assert.deepEqual(s.said, [[join(s.runtime, 'TEMPORARY.tar'), name, false]])
  assert.deepEqual(files.map(s.exists), [false, false])
  assert.ok(s.exists(join(s.settings.uploadFolder, 'arrived')))
  assert.ok(!s.exists(archive), 'the temporary archive is gone')
})

test('without upload_tar_file a folder goes file by file, and only files that were sent are removed', async t => {
  const s = scene(t, { uploadTarFile: false })
  const files = [s.put('a'), s.put('b'), s.put('not-sent')]
  await callAction(uploadIn(s), {})
  assert.deepEqual(s.said, [['folder', undefined, false]])
  assert.deepEqual(files.map(s.exists), [false, false, true])
})

test('file_upload of what is not there, or is no file, or lies outside, is refused', async t => {
  const s = scene(t)
  // A file of the test's own: a broken guard would send it away and remove it.
  const outside = join(tempDir(t), 'outside')
  writeFileSync(outside, 'not for the cloud')
  symlinkSync(outside, join(s.settings.uploadFolder, 'link'))
  execFileSync('mkfifo', [join(s.settings.uploadFolder, 'fifo')])
  const rows = [
    [{ file_name: 'nothing' }, 12],
    [{ file_path: '/dev/null' }, 10],
    [{ file_name: 'fifo' }, 2],
    [{ file_name: 'link' }, 10],
    [{ file_path: '../download' }, 10],
    [{ use_global_store: 1 }, 2],
  ] as const
  for (const [params, status] of rows)
    assert.equal((await callAction(uploadIn(s), params)).outcome()?.status, status, JSON.stringify(params))
  assert.deepEqual(s.said, [])
})

test('file_upload of a folder sends the files whose names are no UTF-8 in its archive, and removes them', async t => {
  const s = scene(t)
  const odd = Buffer.from(join(s.settings.uploadFolder, 't\xe9.log'), 'latin1')
  writeFileSync(odd, 'odd')
  s.put('plain.log')
  const listed: string[] = []
  const upload = uploadIn(s, path => listed.push(execFileSync('tar', ['-tf', path], { encoding: 'latin1' })))
  assert.deepEqual((await callAction(upload, {})).outcome(), { status: 0, message: '' })
  assert.match(listed.join(), /^plain\.log\nt\\351\.log\n$/)
  assert.equal(statSync(odd, { throwIfNoEntry: false }), undefined)
})

test('file_upload of one file says when its name cannot be given', async t => {
  const s = scene(t)
  writeFileSync(Buffer.from(join(s.settings.uploadFolder, 't\xe9.log'), 'latin1'), 'odd')
  const { outcome } = await callAction(uploadIn(s), { file_name: 't\ufffd.log' })
  assert.equal(outcome()?.status, 12)
  assert.match(outcome()?.message ?? '', /or its name is not UTF-8\. .*Rename the file, or send it inside/)
})
