// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { passwordFile, storedPassword } from '../../../src/cloud/access/operator-password.ts'
import { prepareCertificates } from '../../../src/cloud/data-folder/certificates.ts'
import { prepareFolder, readPrivate } from '../../../src/cloud/data-folder/data-folder.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const needsRoot = process.geteuid?.() === 0 ? false : 'only root can make files of another user'
const nobody = 65_534

test('a password is made once, is kept with mode 0600, and is different in another folder', async t => {
  const dir = tempDir(t)
  const made = await storedPassword(dir)
  assert.match(made, /^[a-z2-9]{5}(-[a-z2-9]{5}){3}$/)
  assert.equal(statSync(join(dir, passwordFile)).mode & 0o777, 0o600)
  assert.equal(await storedPassword(dir), made)
  assert.notEqual(await storedPassword(tempDir(t)), made)
  assert.deepEqual(readdirSync(dir), [passwordFile], 'nothing else is left')
})

test('processes that start at once have the same password', async t => {
  const dir = tempDir(t)
  const made = await Promise.all(Array.from({ length: 8 }, () => storedPassword(dir)))
  assert.deepEqual(new Set(made).size, 1)
})

test('a password that others could read, a link, and nonsense are replaced', async t => {
  const dir = tempDir(t)
  const path = join(dir, passwordFile)
  const secret = join(tempDir(t), 'elsewhere')
  writeFileSync(secret, 'chosen-by-somebody\n', { mode: 0o600 })
  const spoil: readonly (() => void)[] = [
    () => chmodSync(path, 0o644),
    () => chmodSync(path, 0o620),
    () => writeFileSync(path, ''),
    () => writeFileSync(path, 'x'.repeat(5000)),
    () => writeFileSync(path, 'two words here\n'),
  ]
  for (const act of spoil) {
    const before = await storedPassword(dir)
    act()
    const after = await storedPassword(dir)
    assert.notEqual(after, before)
    assert.equal(statSync(path).mode & 0o777, 0o600)
  }
  const linked = tempDir(t)
  symlinkSync(secret, join(linked, passwordFile))
  assert.notEqual(await storedPassword(linked), 'chosen-by-somebody')
  assert.equal(lstatSync(join(linked, passwordFile)).isSymbolicLink(), false)
  assert.equal(readFileSync(secret, 'utf8'), 'chosen-by-somebody\n', 'what the link leads to stays')
})

test('a key of the CA that others could read is not used again, and no key is written through a link', async t => {
  const dir = tempDir(t)
  const first = await prepareCertificates(dir, ['localhost'])
  const ca = readFileSync(first.caPath, 'utf8')
  chmodSync(join(dir, 'ca-key.pem'), 0o640)
  const second = await prepareCertificates(dir, ['localhost'])
  assert.notEqual(readFileSync(second.caPath, 'utf8'), ca)
  assert.equal(statSync(join(dir, 'ca-key.pem')).mode & 0o777, 0o600)
  const linked = tempDir(t)
  const target = join(tempDir(t), 'target')
  writeFileSync(target, 'untouched')
  for (const name of ['ca-key.pem', 'server-key.pem', 'ca.pem']) symlinkSync(target, join(linked, name))
  await prepareCertificates(linked, ['localhost'])
  assert.equal(readFileSync(target, 'utf8'), 'untouched')
})

test('a new data folder is for this user alone, and other users may not write to an old one', async t => {
  const dir = join(tempDir(t), 'a', 'b')
  await prepareFolder(dir)
  assert.equal(statSync(dir).mode & 0o777, 0o700)
  chmodSync(dir, 0o777)
  await prepareFolder(dir)
  assert.equal(statSync(dir).mode & 0o777, 0o755)
  const file = join(tempDir(t), 'file')
  writeFileSync(file, '')
  await assert.rejects(prepareFolder(file))
})

test('a data folder, a link to one, and a secret of another user are not trusted', { skip: needsRoot }, async t => {
  // Root trusts only itself; a user of its own would trust root as well.
  const parent = tempDir(t)
  const foreign = join(parent, 'foreign')
  mkdirSync(foreign, { mode: 0o755 })
  chownSync(foreign, nobody, nobody)
  await assert.rejects(
    prepareFolder(foreign),
    /foreign belongs to another user \(uid 65534\)\. Choose another folder with --data\./,
  )
  const dir = tempDir(t)
  const made = await storedPassword(dir)
  chownSync(join(dir, passwordFile), nobody, nobody)
  assert.equal(await readPrivate(join(dir, passwordFile), 4096), undefined)
  assert.notEqual(await storedPassword(dir), made)
  const link = join(parent, 'link')
  symlinkSync(dir, link)
  lchownSync(link, nobody, nobody)
  await assert.rejects(prepareFolder(link), /link belongs to another user/)
})
