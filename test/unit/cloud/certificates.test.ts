// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { prepareCertificates } from '../../../src/cloud/data-folder/certificates.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

test('makes a CA and a certificate for all hosts, and keeps them', async t => {
  const dir = tempDir(t)
  const first = await prepareCertificates(dir, ['localhost', '127.0.0.1', '::1'])
  const ca = new X509Certificate(readFileSync(first.caPath))
  const leaf = new X509Certificate(first.cert)
  assert.equal(ca.ca, true)
  assert.ok(leaf.verify(ca.publicKey))
  assert.ok(leaf.checkHost('localhost') && leaf.checkIP('127.0.0.1') && leaf.checkIP('::1'))
  for (const name of ['ca-key.pem', 'server-key.pem']) assert.equal(statSync(join(dir, name)).mode & 0o077, 0, name)
  assert.deepEqual(await prepareCertificates(dir, ['localhost', '127.0.0.1']), first)
})

test('a new host gets a new certificate from the same CA', async t => {
  const dir = tempDir(t)
  const first = await prepareCertificates(dir, ['localhost'])
  const ca = readFileSync(first.caPath, 'utf8')
  const second = await prepareCertificates(dir, ['localhost', 'box.test'])
  assert.notEqual(second.cert, first.cert)
  assert.equal(new X509Certificate(second.cert).checkHost('box.test'), 'box.test')
  assert.equal(readFileSync(second.caPath, 'utf8'), ca)
})

test('a broken file of the folder is replaced', async t => {
  const dir = tempDir(t)
  const first = await prepareCertificates(dir, ['localhost'])
  writeFileSync(join(dir, 'ca-key.pem'), 'broken')
  const second = await prepareCertificates(dir, ['localhost'])
  assert.notEqual(second.cert, first.cert)
  assert.ok(new X509Certificate(second.cert).verify(new X509Certificate(readFileSync(second.caPath)).publicKey))
})
