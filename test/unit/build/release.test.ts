// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { BuildError } from '../../../build/build-error.ts'
import { bundleAgent } from '../../../build/bundle/bundle.ts'
import { ledgerOf } from '../../../build/documents/ledger.ts'
import { serviceExamples } from '../../../build/documents/service-examples.ts'
import { root } from '../../../build/places.ts'
import { bundledPackages, licenceOf, licenceTexts } from '../../../build/release/licences.ts'
import { movedLinks } from '../../../build/release/moved-links.ts'
import { parseRequirements } from '../../../build/release/requirements.ts'
import { type SbomParts, sbomOf } from '../../../build/release/sbom.ts'
import { signatureOf } from '../../../build/release/signature.ts'
import { releaseTable } from '../../../build/release/table.ts'
import { tarOf } from '../../../build/release/tar.ts'
import { readTarget } from '../../../build/target.ts'
import { assertSameText } from '../../helpers/same-text.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

test('an archive unpacks with its modes and times, and does not depend on the order of its files', t => {
  const one = { name: 'x/device-cloud', mode: 0o755, bytes: Buffer.from('ELF') }
  const two = { name: 'x/INSTALL.md', mode: 0o644, bytes: Buffer.alloc(1024, 'a') }
  const archive = tarOf([one, two], 1_700_000_000)
  assert.deepEqual(archive, tarOf([two, one], 1_700_000_000))
  const folder = tempDir(t)
  const { status, stderr } = spawnSync('tar', ['xpf', '-', '-C', folder], { input: archive, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  assert.equal(statSync(join(folder, one.name)).mode & 0o777, 0o755)
  assert.equal(statSync(join(folder, two.name)).mtimeMs, 1_700_000_000_000)
  assert.deepEqual(readFileSync(join(folder, two.name)), two.bytes)
})

test('a name too long for the archive stops the release instead of being cut', () => {
  assert.throws(() => tarOf([{ name: 'x'.repeat(101), mode: 0o644, bytes: Buffer.alloc(0) }], 1), BuildError)
})

test('the links of INSTALL.md lead to the pages of the archive', () => {
  const text = '[a](../service/README.md) [b](little-flash.md#wear) [c](https://x/) [d](#update) [e](../../LICENSE)'
  assert.equal(
    movedLinks(text, 'share/how-to'),
    '[a](share/service/README.md) [b](share/how-to/little-flash.md#wear) [c](https://x/) [d](#update) [e](LICENSE)',
  )
})

test('every package of the ledger brings its licence text', async () => {
  const bundle = await bundleAgent()
  const packages = bundledPackages(bundle)
  const titles = (rows: readonly { name: string; version: string }[]) => rows.map(one => `${one.name} ${one.version}`)
  assert.deepEqual(titles(packages), titles(ledgerOf(bundle).packages))
  const text = licenceTexts(packages)
  for (const { name, version } of packages) assert.ok(text.includes(`\n${name} ${version} (`), name)
  assert.match(text, /Mozilla Public License 2\.0/)
  for (const one of packages) assert.match(licenceOf(one), /copyright|licen[cs]e|permission/i, one.name)
})

test('a package without a licence text stops the release', t => {
  const folder = join('node_modules', '.cache-test-without-licence')
  mkdirSync(join(root, folder), { recursive: true })
  t.after(() => spawnSync('rm', ['-r', join(root, folder)]))
  writeFileSync(join(root, folder, 'README.md'), '# nothing\n')
  assert.throws(() => licenceOf({ folder, name: 'nothing' }), /nothing has no licence text/)
})

test('the SBOM names packages, Node, what is in Node and the root certificates, and is the same each time', () => {
  const parts: SbomParts = {
    target: readTarget('armv7'),
    version: '1.2.3',
    packages: [{ name: 'mqtt', version: '5.16.0', licence: 'MIT', folder: 'node_modules/mqtt' }],
    nodeVersions: { node: '20.11.0', openssl: '3.0.12+quic', uv: '1.46.0', modules: '115' },
    executableSum: 'ab'.repeat(32),
    rootsSum: 'cd'.repeat(32),
    epochSeconds: 1_700_000_000,
  }
  const text = sbomOf(parts)
  assert.equal(text, sbomOf(parts))
  const sbom = JSON.parse(text)
  assert.equal(sbom.bomFormat, 'CycloneDX')
  assert.match(sbom.serialNumber, /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.equal(sbom.metadata.timestamp, '2023-11-14T22:13:20Z')
  const found = sbom.components.map(({ name, version }: { name: string; version: string }) => `${name} ${version}`)
  for (const name of ['mqtt 5.16.0', 'node 20.11.0', 'openssl 3.0.12+quic', 'libuv 1.46.0'])
    assert.ok(found.includes(name), name)
  assert.equal(found.length, 5, 'the number of an interface is no software')
  const mqtt = sbom.components[0]
  assert.match(mqtt.hashes[0].content, /^[0-9a-f]{128}$/)
  const refs = new Set([sbom.metadata.component, ...sbom.components].map(one => one['bom-ref']))
  for (const { ref, dependsOn } of sbom.dependencies)
    for (const one of [ref, ...dependsOn]) assert.ok(refs.has(one), one)
})

test('requirements are read from what readelf prints: the newest symbols count', () => {
  const text = [
    '      [Requesting program interpreter: /lib/ld-linux-armhf.so.3]',
    ' 0x00000001 (NEEDED)                     Shared library: [libatomic.so.1]',
    ' 0x00000001 (NEEDED)                     Shared library: [ld-linux-armhf.so.3]',
    '  0x0010:   Name: GLIBC_2.4  Flags: none  Version: 23',
    '  0x0230:   Name: GLIBC_2.28  Flags: none  Version: 13',
    '  0x0280:   Name: GLIBC_2.9  Flags: none  Version: 13',
    '  0x0160:   Name: GLIBCXX_3.4.26  Flags: none  Version: 15',
  ].join('\n')
  const requirements = parseRequirements(text, '    OS: Linux, ABI: 4.4.255')
  assert.deepEqual(requirements, {
    libraries: ['libatomic.so.1'],
    linker: '/lib/ld-linux-armhf.so.3',
    versions: ['GLIBC 2.28', 'GLIBCXX 3.4.26'],
    kernel: '4.4.255',
  })
  const row = {
    target: 'armv7',
    node: '20.11.0',
    executableBytes: 74_671_488,
    archiveBytes: 18_138_708,
    requirements,
  } as const
  const table = releaseTable('1.2.3', [row])
  for (const words of ['74.7 MB', '18.1 MB', 'GLIBC 2.28', 'libatomic.so.1', '4.4.255'])
    assert.ok(table.includes(words), words)
})

test('a release is signed with the Ed25519 key that is given, and OpenSSL verifies it', t => {
  const folder = tempDir(t)
  const { privateKey } = generateKeyPairSync('ed25519')
  writeFileSync(join(folder, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
  const sums = Buffer.from('00  file\n')
  const { bytes, publicKey } = signatureOf(sums, join(folder, 'key.pem'))
  assert.ok(verify(null, sums, createPublicKey(publicKey), bytes))
  assert.equal(verify(null, Buffer.from('01  file\n'), createPublicKey(publicKey), bytes), false)
})

test('another kind of key, or none, is refused with what to do', t => {
  const file = join(tempDir(t), 'key.pem')
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }))
  assert.throws(
    () => signatureOf(Buffer.alloc(1), file),
    /is a key for ec, not ed25519\. Make one with: openssl genpkey -algorithm ed25519/,
  )
  writeFileSync(file, 'secret words')
  assert.throws(
    () => signatureOf(Buffer.alloc(1), file),
    (error: unknown) => error instanceof BuildError && !error.message.includes('secret words'),
  )
})

test('the examples in share/service are what the command writes', () => {
  for (const { path, text, mode } of serviceExamples()) {
    assertSameText(readFileSync(join(root, path), 'utf8'), text, path, 'npm run service-examples')
    assert.equal(statSync(join(root, path)).mode & 0o111, mode & 0o111, path)
  }
})
