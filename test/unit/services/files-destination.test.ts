// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AgentError } from '../../../src/base/errors.ts'
import { openDescriptors } from '../../helpers/attacker.ts'
import { content, failsWith, scene } from '../../helpers/download-scene.ts'
import { answer, cutAfter } from '../../helpers/file-cloud.ts'

test('a folder as the destination takes the file under its name, if that is a plain one', async t => {
  const { cloud, files, folder } = await scene(t)
  for (const name of ['a.txt', '..', 'sub/a.txt', '../a.txt', '/etc/passwd', 'a\\b', '.']) cloud.put(name, 'x')
  assert.equal((await files.download('a.txt', folder)).path, join(folder, 'a.txt'))
  assert.equal((await files.download('a.txt', `${folder}/`)).path, join(folder, 'a.txt'))
  const before = cloud.commands.length
  for (const name of ['..', 'sub/a.txt', '../a.txt', '/etc/passwd', 'a\\b', '.'])
    await assert.rejects(files.download(name, folder), failsWith('INVALID_ARGUMENT', /plain file name/))
  for (const name of ['', 'a\nb', 'a\0b', 'x'.repeat(2000)])
    await assert.rejects(files.download(name, folder), failsWith('INVALID_ARGUMENT'))
  assert.equal(cloud.commands.length, before)
  assert.equal((await files.download('sub/a.txt', join(folder, 'b.txt'))).bytes, 1)
})

test('a symbolic link at the destination is replaced, and the file behind it stays as it is', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', 'new')
  writeFileSync(join(folder, 'victim'), 'precious')
  symlinkSync(join(folder, 'victim'), join(folder, 'a'))
  await files.download('a', join(folder, 'a'))
  assert.equal(readFileSync(join(folder, 'victim'), 'utf8'), 'precious')
  assert.ok(lstatSync(join(folder, 'a')).isFile())
})

test('a symbolic link to a folder is followed only when the destination ends with a slash', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', 'new')
  mkdirSync(join(folder, 'real'))
  symlinkSync(join(folder, 'real'), join(folder, 'link'))
  await assert.rejects(files.download('a', join(folder, 'link')), failsWith('INVALID_ARGUMENT', /end it with \//))
  await files.download('a', `${join(folder, 'link')}/`)
  assert.equal(readFileSync(join(folder, 'real', 'a'), 'utf8'), 'new')
})

test('a destination that cannot be one is named before the cloud is asked', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', 'new')
  mkdirSync(join(folder, 'sub', 'a'), { recursive: true })
  await assert.rejects(files.download('a', ''), failsWith('INVALID_ARGUMENT'))
  await assert.rejects(files.download('a', '/dev/null'), failsWith('INVALID_ARGUMENT', /device/))
  await assert.rejects(files.download('a', join(folder, 'sub')), failsWith('INVALID_ARGUMENT', /is a folder/))
  writeFileSync(join(folder, 'file'), '')
  symlinkSync('nowhere', join(folder, 'dangling'))
  for (const [above, why] of [
    ['file', /not a folder/],
    ['dangling', /leads nowhere/],
  ] as const)
    for (const path of [`${above}/`, `${above}/a`, `${above}/new/a`])
      await assert.rejects(files.download('a', join(folder, path)), error => {
        assert.match(String(error), why, path)
        return true
      })
  assert.equal(cloud.commands.length, 0)
  assert.deepEqual(readdirSync(folder).sort(), ['dangling', 'file', 'sub'])
})

test('folders that are missing on the way are made, with the rights of the file', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', 'content')
  const before = process.umask(0o027)
  t.after(() => process.umask(before))
  assert.equal((await files.download('a', join(folder, 'new/deep/b'))).path, join(folder, 'new/deep/b'))
  assert.equal((await files.download('a', join(folder, 'other/'))).path, join(folder, 'other/a'))
  for (const path of ['new', 'new/deep', 'other']) assert.equal(statSync(join(folder, path)).mode & 0o777, 0o750, path)
  assert.equal(readFileSync(join(folder, 'new/deep/b'), 'utf8'), 'content')
  assert.deepEqual(readdirSync(join(folder, 'other')), ['a'])
  assert.deepEqual(openDescriptors(folder), [], 'nothing stays open')
})

test('a file that the cloud does not have leaves no folder behind, and a link that comes meanwhile leads nowhere', async t => {
  const { cloud, files, folder } = await scene(t)
  await assert.rejects(files.download('gone', join(folder, 'new/deep/b')), failsWith('FILE_NOT_FOUND'))
  assert.deepEqual(readdirSync(folder), [])
  cloud.put('a', 'content')
  mkdirSync(join(folder, 'trap'))
  cloud.beforeCommand = () => symlinkSync('trap', join(folder, 'new'))
  await assert.rejects(files.download('a', join(folder, 'new/deep/b')), error => error instanceof AgentError)
  assert.deepEqual(readdirSync(join(folder, 'trap')), [])
  assert.deepEqual(openDescriptors(folder), [], 'nothing stays open')
})

test('a new file gets the mode of the umask; one that is replaced hands down its own', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', 'x')
  const { path } = await files.download('a', folder)
  assert.equal(statSync(path).mode & 0o777, 0o666 & ~process.umask())
  chmodSync(path, 0o750)
  await files.download('a', folder)
  assert.equal(statSync(path).mode & 0o777, 0o750)
})

test('while it grows the file is private, hidden and beside its destination', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', content)
  const seen: { names: string[]; mode: number }[] = []
  await files.download('a', join(folder, 'a'), {
    onProgress: () => {
      const names = readdirSync(folder)
      seen.push({ names, mode: statSync(join(folder, names[0] ?? '')).mode & 0o777 })
    },
  })
  assert.match(seen[0]?.names.join() ?? '', /^\.device-cloud-\d+-[0-9a-f]{16}\.part$/)
  assert.equal(seen[0]?.mode, 0o600)
})

test('a link to a device, a pipe or an open file of a process is no destination', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', 'new')
  execFileSync('mkfifo', [join(folder, 'fifo')])
  symlinkSync('fifo', join(folder, 'to-fifo'))
  symlinkSync('/dev/null', join(folder, 'to-device'))
  symlinkSync('/proc/self/fd/1', join(folder, 'to-output'))
  symlinkSync('to-output', join(folder, 'to-it-too'))
  const opened = openSync(join(folder, 'regular'), 'w')
  t.after(() => closeSync(opened))
  symlinkSync(`/proc/self/fd/${opened}`, join(folder, 'to-regular'))
  for (const name of ['to-fifo', 'to-device', 'to-output', 'to-it-too', 'to-regular']) {
    const refused = failsWith('INVALID_ARGUMENT', /link to a device.*name a file of its own/)
    await assert.rejects(files.download('a', join(folder, name)), refused, name)
    assert.ok(lstatSync(join(folder, name)).isSymbolicLink(), name)
  }
  for (const path of ['/dev/stdout', '/dev/fd/1', '/dev/null', '/proc/self/fd/1'])
    await assert.rejects(files.download('a', path), failsWith('INVALID_ARGUMENT'), path)
  assert.equal(cloud.commands.length, 0)
})

test('the folder of a download is the one that was looked at, whatever its path leads to when the file is there', async t => {
  const { cloud, files, folder } = await scene(t)
  cloud.put('a', content)
  mkdirSync(join(folder, 'in'))
  mkdirSync(join(folder, 'trap'))
  cloud.beforeCommand = () => {
    if (lstatSync(join(folder, 'in')).isSymbolicLink()) return
    renameSync(join(folder, 'in'), join(folder, 'moved'))
    symlinkSync('trap', join(folder, 'in'))
  }
  cloud.script.push(answer(503), cutAfter(100_000))
  await files.download('a', join(folder, 'in', 'a'))
  assert.deepEqual(readdirSync(join(folder, 'trap')), [])
  assert.deepEqual(readFileSync(join(folder, 'moved', 'a')), content)
  assert.deepEqual(openDescriptors(folder), [], 'nothing stays open')
})
