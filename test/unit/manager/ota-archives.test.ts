// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { systemClock } from '../../../src/base/clock.ts'
import { AgentError } from '../../../src/base/errors.ts'
import { scanPackage } from '../../../src/manager/ota/package/read-package.ts'
import { unpackPackage } from '../../../src/manager/ota/package/unpack.ts'
import { runProgram } from '../../../src/platform/process/program.ts'
import { type MadeEntry, makeTar, makeTarGz, makeZip } from '../../helpers/archives.ts'
import { seeded } from '../../helpers/seeded.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const signal = new AbortController().signal

/** Unpacks an archive and returns what lies in the folder above: nothing else may ever be there. */
async function unpack(t: TestContext, name: string, content: Uint8Array) {
  const root = tempDir(t)
  const path = join(root, name)
  const folder = join(root, 'out')
  writeFileSync(path, content)
  let error: unknown
  try {
    await unpackPackage(path, folder, await scanPackage(path, signal), signal)
  } catch (thrown) {
    error = thrown
  }
  assert.deepEqual(
    readdirSync(root).filter(one => one !== name && one !== 'out'),
    [],
  )
  return { error, folder }
}

async function refuses(t: TestContext, name: string, content: Uint8Array, why: RegExp) {
  const { error, folder } = await unpack(t, name, content)
  assert.ok(error instanceof AgentError && error.code === 'PACKAGE_INVALID', `${name}: ${error}`)
  assert.match(error.message, why)
  assert.ok(!existsSync(folder), 'nothing of a refused package is written')
}

const file: MadeEntry = { name: 'a', content: 'x' }

const hostile: readonly (readonly [string, readonly MadeEntry[], RegExp])[] = [
  ['a path that climbs', [{ name: '../evil', content: 'x' }], /"\.\."|relative path/],
  ['a path that climbs in the middle', [{ name: 'a/../../evil', content: 'x' }], /"\.\."|relative path/],
  ['an absolute path', [{ name: '/proc/evil', content: 'x' }], /absolute/],
  ['a backslash', [{ name: '..\\evil', content: 'x' }], /invalid characters|"\\"/],
  ['the same file twice', [file, file], /twice/],
  ['the same file under two spellings', [file, { name: './a', content: 'y' }], /twice/],
  ['a file that is a folder', [file, { name: 'a/b', content: 'x' }], /file and a folder/],
  ['a folder that is a file', [{ name: 'a/b', content: 'x' }, file], /file and a folder/],
  ['a control character', [{ name: 'a\nb', content: 'x' }], /control character/],
  ['a name that is too long', [{ name: `${'d/'.repeat(40)}x`, content: 'x' }], /folders deep/],
]

for (const [what, entries, why] of hostile) {
  test(`${what} is refused in a tar`, t => refuses(t, 'p.tar.gz', makeTarGz(entries), why))
  test(`${what} is refused in a zip`, t => refuses(t, 'p.zip', makeZip(entries), why))
}

for (const [type, what] of [
  ['1', 'a hard link'],
  ['2', 'a symbolic link'],
  ['3', 'a character device'],
  ['4', 'a block device'],
  ['6', 'a pipe'],
  ['S', 'a sparse file'],
] as const)
  test(`${what} is refused in a tar`, t =>
    refuses(t, 'p.tar.gz', makeTarGz([{ name: 'evil', type, link: '/etc/passwd' }]), /it is a /))

test('a symbolic link is refused in a zip', t =>
  refuses(t, 'p.zip', makeZip([{ name: 'evil', content: '/etc/passwd', mode: 0o120777 }]), /it is a link/))

test('a long name of GNU and a path of pax go through the same rules', async t => {
  const gnu = [{ name: '././@LongLink', type: 'L', content: '../evil\0' }, file]
  await refuses(t, 'p.tar.gz', makeTarGz(gnu), /"\.\."/)
  const record = 'path=../evil\n'
  const pax = [{ name: 'x', type: 'x', content: `${record.length + 3} ${record}` }, file]
  await refuses(t, 'p.tar.gz', makeTarGz(pax), /"\.\."/)
})

test('headers without an entry are refused before they keep the device busy', async t => {
  const record = 'comment=x\n'
  const pax = { name: 'x', content: `${record.length + 3} ${record}` }
  for (const type of ['x', 'g', 'L', 'K'])
    await refuses(
      t,
      'p.tar.gz',
      makeTarGz([...Array.from({ length: 100 }, () => ({ ...pax, type })), file]),
      /more than 16 headers/,
    )
})

test('archives that are cut off or damaged are refused', async t => {
  const tar = makeTarGz([{ name: 'a', content: 'x'.repeat(5000) }])
  for (const end of [0, 1, 10, 40, tar.length - 9, tar.length - 1])
    await refuses(t, 'p.tar.gz', tar.subarray(0, end), /gzip|ends/)
  await refuses(t, 'p.tar.gz', gzipSync(makeTar([{ name: 'a', content: 'x'.repeat(5000) }]).subarray(0, 2000)), /ends/)
  await refuses(t, 'p.tar.gz', gzipSync(Buffer.alloc(512, 'x')), /damaged header/)
  const zip = makeZip([{ name: 'a', content: 'x'.repeat(5000) }])
  for (const end of [0, 1, 30, zip.length - 30, zip.length - 1]) await refuses(t, 'p.zip', zip.subarray(0, end), /zip/)
  const changed = Buffer.from(zip)
  changed.writeUInt32LE(0xbad, zip.length - 22 - 46 - 1 + 16)
  await refuses(t, 'p.zip', changed, /damaged/)
})

test('an archive that lies about sizes, or unpacks to far more than itself, is refused', async t => {
  await refuses(t, 'p.zip', makeZip([{ name: 'a', content: 'x'.repeat(5000), claimedBytes: 10 }]), /too many bytes|zip/)
  await refuses(t, 'p.zip', makeZip([{ name: 'a', content: 'x', claimedBytes: 4_000_000_000 }]), /times its own size/)
  await refuses(t, 'p.tar.gz', makeTarGz([{ name: 'a', content: Buffer.alloc(80 * 1024 ** 2) }]), /times its own size/)
})

test('random bytes and bit flips never leave the folder, and never bring the agent down', async t => {
  const sound = [
    ['p.tar.gz', makeTarGz([file, { name: 'b/c', content: 'yy' }])],
    ['p.zip', makeZip([file, { name: 'b/c', content: 'yy' }])],
  ] as const
  for (const [name, content] of sound) {
    const dice = seeded(12_345)
    for (let round = 0; round < 150; round++) {
      const changed = Buffer.from(content)
      for (let flips = 0; flips < 3; flips++) {
        changed[dice(changed.length)] = dice(256)
      }
      const { error } = await unpack(t, name, changed)
      assert.ok(error === undefined || error instanceof AgentError, String(error))
    }
  }
  const raw = makeTar([file, { name: 'b/c', content: 'yy' }])
  const dice = seeded(999)
  for (let round = 0; round < 200; round++) {
    const changed = Buffer.from(raw)
    changed[dice(1536)] = dice(256)
    const { error } = await unpack(t, 'p.tar.gz', gzipSync(changed))
    assert.ok(error === undefined || error instanceof AgentError, String(error))
  }
})

test('archives of the tools of the system are unpacked, with private modes', async t => {
  const root = tempDir(t)
  const made = await runProgram({
    file: '/bin/sh',
    args: [
      '-c',
      'mkdir -p p/deep/er && echo hi >p/deep/er/f && printf "#!/bin/sh\\n" >p/run && chmod 4755 p/run && cd p && ' +
        "tar -czf ../a.tar.gz . && python3 -c \"import shutil; shutil.make_archive('../b', 'zip', '.'); shutil.make_archive('../c', 'gztar', '.')\"",
    ],
    folder: root,
    timeoutMs: 20_000,
    maxOutputBytes: 2000,
    clock: systemClock,
  })
  assert.equal(made.exitCode, 0, made.stderr)
  for (const name of ['a.tar.gz', 'b.zip', 'c.tar.gz']) {
    const { error, folder } = await unpack(t, name, readFileSync(join(root, name)))
    assert.equal(error, undefined)
    assert.equal(readFileSync(join(folder, 'deep/er/f'), 'utf8'), 'hi\n')
    assert.equal(statSync(join(folder, 'run')).mode & 0o7777, 0o700, name)
    assert.equal(statSync(join(folder, 'deep/er/f')).mode & 0o7777, 0o600)
    assert.equal(statSync(join(folder, 'deep')).mode & 0o7777, 0o700)
  }
})
