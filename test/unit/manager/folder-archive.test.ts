// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { archiveFolder, type FolderToPack, removeStaleArchives } from '../../../src/manager/transfers/folder-archive.ts'
import { openFileBelow } from '../../../src/platform/held/folder-tree.ts'
import { transferFiles } from '../../../src/platform/held/transfer-files.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const signal = new AbortController().signal

function scene(t: TestContext) {
  const root = realpathSync(tempDir(t))
  for (const name of ['folder', 'runtime', 'unpacked']) mkdirSync(join(root, name))
  return { folder: join(root, 'folder'), runtime: join(root, 'runtime'), unpacked: join(root, 'unpacked') }
}

async function pack(t: TestContext, path: string, into: string, how: Omit<FolderToPack, 'folder'> = {}, end = signal) {
  const folder = await transferFiles.openFolder(path)
  t.after(() => folder.close())
  const packed = await archiveFolder({ folder, ...how }, into, end)
  // Gone already where the test has done so.
  t.after(() => packed.discard().catch(() => {}))
  return packed
}

function unpack(archive: string, into: string): void {
  const { status, stderr } = spawnSync('tar', ['-xf', archive, '-C', into], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  assert.equal(stderr, '')
}

test('tar(1) unpacks what was packed: names, content, modes, times, links', async t => {
  const { folder, runtime, unpacked } = scene(t)
  const longName = `${'ä'.repeat(60)}/${'x'.repeat(200)}`
  mkdirSync(join(folder, 'sub/empty'), { recursive: true })
  mkdirSync(join(folder, 'ä'.repeat(60)))
  writeFileSync(join(folder, 'sub/run.sh'), '#!/bin/sh\n', { mode: 0o755 })
  writeFileSync(join(folder, 'nothing'), '')
  writeFileSync(join(folder, 'block'), Buffer.alloc(1024, 7))
  writeFileSync(join(folder, longName), 'long')
  symlinkSync('sub/run.sh', join(folder, 'link'))
  symlinkSync('/nowhere/at/all', join(folder, 'dangling'))
  const archive = await pack(t, folder, runtime)
  assert.equal(statSync(archive.path).mode & 0o777, 0o600)
  assert.equal(statSync(archive.path).size, archive.bytes)
  unpack(archive.path, unpacked)
  assert.equal(readFileSync(join(unpacked, longName), 'utf8'), 'long')
  assert.deepEqual(readFileSync(join(unpacked, 'block')), Buffer.alloc(1024, 7))
  assert.equal(statSync(join(unpacked, 'nothing')).size, 0)
  assert.equal(statSync(join(unpacked, 'sub/run.sh')).mode & 0o777, 0o755)
  assert.equal(
    Math.floor(statSync(join(unpacked, 'block')).mtimeMs / 1000),
    Math.floor(statSync(join(folder, 'block')).mtimeMs / 1000),
  )
  assert.ok(statSync(join(unpacked, 'sub/empty')).isDirectory())
  assert.equal(readlinkSync(join(unpacked, 'link')), 'sub/run.sh')
  assert.equal(readlinkSync(join(unpacked, 'dangling')), '/nowhere/at/all')
  assert.deepEqual(archive.files.map(({ path }) => path).sort(), ['block', longName, 'nothing', 'sub/run.sh'].sort())
  await archive.discard()
  assert.deepEqual(readdirSync(runtime), [])
})

test('names and links that are no UTF-8 are packed byte for byte, long ones too', async t => {
  const { folder, runtime, unpacked } = scene(t)
  const raw = (path: string) => Buffer.from(`${path}`, 'latin1')
  const names = ['t\xe9.log', 'd\xe8r/in', `d\xe8r/${'\xf6'.repeat(200)}`, 'text']
  mkdirSync(raw(`${folder}/d\xe8r`))
  for (const name of names) writeFileSync(raw(`${folder}/${name}`), name)
  symlinkSync(raw('t\xe9.log'), join(folder, 'short'))
  symlinkSync(raw(`d\xe8r/${'\xf6'.repeat(200)}`), raw(`${folder}/l\xe9`))
  const archive = await pack(t, folder, runtime)
  unpack(archive.path, unpacked)
  for (const name of names) assert.equal(readFileSync(raw(`${unpacked}/${name}`), 'utf8'), name)
  assert.deepEqual(readlinkSync(join(unpacked, 'short'), 'buffer'), raw('t\xe9.log'))
  assert.equal(readFileSync(raw(`${unpacked}/l\xe9`), 'utf8'), names[2])
  assert.equal(archive.files.length, names.length)
})

test('an archive made in the folder that it packs does not pack itself [M4]', async t => {
  const { folder, unpacked } = scene(t)
  writeFileSync(join(folder, 'a'), 'a')
  // One that another upload is making at this moment.
  writeFileSync(join(folder, '.upload-0123456789abcdef.tar'), 'half')
  const archive = await pack(t, folder, folder)
  unpack(archive.path, unpacked)
  assert.deepEqual(readdirSync(unpacked), ['a'])
})

test('a log that grows while it is packed is taken as it was, and does not break the archive', async t => {
  const { folder, runtime, unpacked } = scene(t)
  const log = join(folder, 'a.log')
  writeFileSync(log, 'x'.repeat(300_000))
  writeFileSync(join(folder, 'b'), 'b')
  let touched = false
  const archive = await pack(t, folder, runtime, {
    openFile: async (held, path) => {
      const file = await openFileBelow(held, path)
      return {
        ...file,
        read: async (into, position) => {
          if (path === 'a.log' && !touched) {
            touched = true
            writeFileSync(log, 'more', { flag: 'a' })
          }
          return file.read(into, position)
        },
      }
    },
  })
  unpack(archive.path, unpacked)
  assert.equal(readFileSync(join(unpacked, 'a.log'), 'utf8'), 'x'.repeat(300_000))
  assert.equal(readFileSync(join(unpacked, 'b'), 'utf8'), 'b')
})

test('sockets are left out, and files that a crashed process left are removed', async t => {
  const { folder, runtime, unpacked } = scene(t)
  const server = createServer()
  await new Promise<void>(resolve => server.listen(join(folder, 'socket'), resolve))
  t.after(() => void server.close())
  writeFileSync(join(folder, 'a'), 'a')
  const archive = await pack(t, folder, runtime)
  unpack(archive.path, unpacked)
  assert.deepEqual(readdirSync(unpacked), ['a'])
  writeFileSync(join(runtime, 'message_ids'), '')
  await removeStaleArchives(runtime)
  assert.deepEqual(readdirSync(runtime), ['message_ids'])
})

test('a cancelled archive leaves nothing', async t => {
  const { folder, runtime } = scene(t)
  writeFileSync(join(folder, 'a'), 'a')
  const controller = new AbortController()
  controller.abort()
  await assert.rejects(pack(t, folder, runtime, {}, controller.signal), { code: 'ABORTED' })
  assert.deepEqual(readdirSync(runtime), [])
})

test('an archive that another process replaces before it is sent is not sent', async t => {
  const { folder, runtime } = scene(t)
  writeFileSync(join(folder, 'a'), 'a')
  const archive = await pack(t, folder, runtime)
  const shadow = join(folder, 'shadow')
  writeFileSync(shadow, 'secret')
  unlinkSync(archive.path)
  linkSync(shadow, archive.path)
  await assert.rejects(archive.open(), { code: 'FILE_CHANGED' })
  await archive.discard()
})
