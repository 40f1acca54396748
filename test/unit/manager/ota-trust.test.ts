// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../../src/base/clock.ts'
import { AgentError } from '../../../src/base/errors.ts'
import { InstalledReleases } from '../../../src/manager/ota/installed-releases.ts'
import { openPackage } from '../../../src/manager/ota/open-package.ts'
import { checkPackage, type PackageRules } from '../../../src/manager/ota/package/check-package.ts'
import { incompatibility } from '../../../src/manager/ota/package/compatibility.ts'
import { packFolder } from '../../../src/manager/ota/package/pack.ts'
import { PackageRecord } from '../../../src/manager/ota/package/package-record.ts'
import { scanPackage } from '../../../src/manager/ota/package/read-package.ts'
import { publicKeyText, signatureText } from '../../../src/manager/ota/package/signature.ts'
import { SignedMemory } from '../../../src/manager/ota/signed-memory.ts'
import { type DeviceFacts, readDeviceFacts } from '../../../src/platform/system/device-facts.ts'
import { makeZip } from '../../helpers/archives.ts'
import { memoryLog } from '../../helpers/memory-log.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const signal = new AbortController().signal
const facts: DeviceFacts = {
  osVersion: ['cpe:2.3:o:acme:acmelinux:4.2'],
  vendor: ['ACME'],
  device: ['acme,pump7'],
  model: ['Pump 7'],
  serial: [],
  architecture: ['armv7l'],
}

function keyPair() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  return { key: privateKey, text: publicKeyText(publicKey) }
}

/** A folder with an update.json and one script, and what packing it gives. */
async function packed(t: TestContext, json: object, keys: Parameters<typeof packFolder>[2]) {
  const root = tempDir(t)
  const folder = join(root, 'in')
  mkdirSync(join(folder, 'bin'), { recursive: true })
  writeFileSync(join(folder, 'update.json'), JSON.stringify({ install: 'bin/run', ...json }))
  writeFileSync(join(folder, 'bin/run'), '#!/bin/sh\n', { mode: 0o755 })
  const path = join(root, 'p.tar.gz')
  await packFolder(folder, path, keys)
  return { root, path, folder }
}

async function open(root: string, path: string, owner: PackageRules) {
  const { log, text } = memoryLog()
  const folder = join(root, 'out')
  const releases = new InstalledReleases(join(root, 'releases.json'))
  const parts = {
    owner,
    releases,
    signed: new SignedMemory(join(root, 'signed.json')),
    record: new PackageRecord(join(root, 'unpacked.json')),
    deviceId: async () => 'device-1',
    onWaitForClock: () => assert.fail('the clock is set'),
    facts: async () => facts,
    slot: undefined,
    clock: systemClock,
    log,
    signal,
  }
  try {
    return { manifest: await openPackage(path, folder, parts), folder, text: text() }
  } catch (error) {
    assert.ok(error instanceof AgentError, String(error))
    assert.ok(!existsSync(folder), 'nothing of a refused package is on the disk')
    return { error, folder, text: text() }
  }
}

test('a signed package is taken by a device that knows the key, with old and new key during a change', async t => {
  const [old, fresh, stranger] = [keyPair(), keyPair(), keyPair()]
  const { root, path } = await packed(t, { name: 'app', release: 1 }, [old.key, fresh.key])
  for (const publicKeys of [[old.text], [fresh.text], [stranger.text, fresh.text]]) {
    const { signers, covers } = checkPackage(await scanPackage(path, signal), { publicKeys, requireSignature: true })
    assert.match(signers[0] ?? '', /^[0-9a-f]{16}$/)
    assert.equal(covers, 'all')
  }
  const { error } = await open(root, path, { publicKeys: [stranger.text], requireSignature: false })
  assert.equal(error?.code, 'POLICY_REFUSED')
  assert.match(
    error?.message ?? '',
    /signed with key [0-9a-f]{16}, [0-9a-f]{16}, and ota\.public_keys names [0-9a-f]{16}\.$/,
  )
  const { manifest, folder } = await open(root, path, { publicKeys: [fresh.text], requireSignature: true })
  assert.equal(manifest?.install, 'bin/run')
  assert.equal(statSync(join(folder, 'bin/run')).mode & 0o777, 0o700)
})

test('unsigned packages go on working until the owner asks for signatures', async t => {
  const { root, path } = await packed(t, {}, [])
  const { text } = keyPair()
  const refused = await open(root, path, { publicKeys: [text], requireSignature: true })
  assert.equal(refused.error?.code, 'POLICY_REFUSED')
  assert.match(refused.error?.message ?? '', /ota\.require_signature/)
  assert.ok((await open(root, path, { publicKeys: [text], requireSignature: false })).manifest)
})

test('by the first form of signature, one byte changed, a file added or taken away is refused', async t => {
  const { key, text } = keyPair()
  const { root, path } = await packed(t, {}, [key])
  const owner = { publicKeys: [text], requireSignature: false }
  const scanned = await scanPackage(path, signal)
  const { manifest = Buffer.alloc(0) } = scanned
  const signature = `${scanned.signature}`.split('\n')[0] ?? ''
  const metadata = [
    { name: 'update.json', content: manifest },
    { name: 'update.sig', content: signature },
  ]
  const script = { name: 'bin/run', content: '#!/bin/sh\n' }
  const cases = [
    [
      [{ name: 'update.json', content: `${manifest} ` }, { name: 'update.sig', content: signature }, script],
      'POLICY_REFUSED',
    ],
    [[...metadata, { name: 'bin/run', content: '#!/bin/sh\nevil\n' }], 'CHECKSUM_MISMATCH'],
    [[...metadata, script, { name: 'more', content: 'x' }], 'PACKAGE_INVALID'],
    [metadata, 'PACKAGE_INVALID'],
    [[...metadata, script], undefined],
  ] as const
  for (const [entries, code] of cases) {
    const changed = join(root, 'changed.zip')
    writeFileSync(changed, makeZip(entries))
    assert.equal((await open(root, changed, owner)).error?.code, code)
  }
})

test('a signature that covers update.json alone, or was made for something else, is worth nothing', async t => {
  const { key, text } = keyPair()
  const root = tempDir(t)
  const path = join(root, 'p.zip')
  const manifest = '{"install": "true"}'
  const owner = { publicKeys: [text], requireSignature: true }
  const raw = Buffer.from(text.slice('ed25519:'.length), 'base64')
  const { createHash } = await import('node:crypto')
  const id = createHash('sha256').update(raw).digest('hex').slice(0, 16)
  const plain = sign(null, Buffer.from(manifest), key).toString('base64')
  writeFileSync(
    path,
    makeZip([
      { name: 'update.json', content: manifest },
      { name: 'update.sig', content: `ed25519 ${id} ${plain}\n` },
    ]),
  )
  assert.match(
    (await open(root, path, owner)).error?.message ?? '',
    /its signature by key [0-9a-f]{16} does not fit what is in it/,
  )
  const right = signatureText(Buffer.from(manifest), '', [key]).split('\n')[0]
  writeFileSync(
    path,
    makeZip([
      { name: 'update.json', content: manifest },
      { name: 'update.sig', content: `${right}\n` },
    ]),
  )
  assert.match((await open(root, path, { ...owner, requireSignature: false })).error?.message ?? '', /no "files"/)
  assert.match((await open(root, path, owner)).error?.message ?? '', /of the first form alone/)
})

test('an older release than the installed one is refused, the same one is not', async t => {
  const { root, path } = await packed(t, { name: 'app', release: 5 }, [])
  const owner = { publicKeys: [], requireSignature: false }
  const releases = new InstalledReleases(join(root, 'releases.json'))
  await releases.remember('app', 6)
  assert.match(
    (await open(root, path, owner)).error?.message ?? '',
    /it is release 5, and release 6 of "app" is installed/,
  )
  await releases.remember('app', 4)
  assert.equal(await releases.of('app'), 6)
  await releases.remember('other', 1)
  writeFileSync(join(root, 'releases.json'), '{"app": 5}')
  assert.ok((await open(root, path, owner)).manifest)
})

test('rules of compatibility bind a signed package; for an unsigned one they are a warning', async t => {
  const { key, text } = keyPair()
  const rules = { compatibility: { model_name: 'Pump 8' } }
  const signed = await packed(t, rules, [key])
  const owner = { publicKeys: [text], requireSignature: false }
  const { error } = await open(signed.root, signed.path, owner)
  assert.equal(error?.code, 'NOT_SUPPORTED')
  assert.match(error?.message ?? '', /for model_name Pump 8, and the device has Pump 7/)
  const unsigned = await packed(t, rules, [])
  const taken = await open(unsigned.root, unsigned.path, owner)
  assert.ok(taken.manifest)
  assert.match(taken.text, /WARN.*Pump 8/)
})

test('what fits a device', () => {
  const why = (key: string, ...wanted: string[]) => incompatibility(new Map([[key, wanted]]), facts)
  for (const wanted of [
    'cpe:2.3:o:acme:acmelinux:4.2:*:*:*:*:*:*:*',
    'cpe:2.3:o:*:acmelinux:*',
    'cpe:2.3:o:acme:acmelinux:4.*',
    '*',
  ])
    assert.equal(why('os_version', wanted), undefined, wanted)
  for (const wanted of [
    'cpe:2.3:o:acme:acmelinux:4.3',
    'cpe:2.3:o:other:acmelinux:4.2',
    'cpe:2.3:a:acme:acmelinux:4.2',
  ])
    assert.match(why('os_version', wanted) ?? '', /^it is for os_version/, wanted)
  assert.equal(why('model_name', 'Pump 8', 'pump 7'), undefined)
  assert.equal(why('architecture', 'armv7*'), undefined)
  assert.match(why('serial', '123') ?? '', /the device reports none$/)
  assert.match(why('colour', 'red') ?? '', /does not know/)
})

test('what the device is comes from os-release, the device tree and the firmware', async t => {
  const root = tempDir(t)
  const write = (path: string, content: string) => {
    mkdirSync(join(root, path, '..'), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  write('etc/os-release', 'ID=acmelinux\nVERSION_ID="4.2"\nCPE_NAME="cpe:/o:acme:acmelinux:4.2"\n')
  write('proc/device-tree/compatible', 'acme,pump7\0acme,pump\0')
  write('proc/device-tree/model', 'ACME Pump 7\0')
  write('proc/device-tree/serial-number', '0815\0')
  const { architecture: _, ...told } = await readDeviceFacts(root)
  assert.deepEqual(told, {
    osVersion: ['cpe:2.3:o:acme:acmelinux:4.2', 'cpe:2.3:o:*:acmelinux:4.2'],
    vendor: ['acme', 'acme'],
    device: ['acme,pump7', 'acme,pump'],
    model: ['ACME Pump 7'],
    serial: ['0815'],
  })
})

test('packing: the same folder makes the same package, nothing is overwritten, and links are refused', async t => {
  const { root, folder, path } = await packed(t, {}, [])
  const again = join(root, 'again.tar.gz')
  await packFolder(folder, again, [])
  assert.deepEqual(readFileSync(again), readFileSync(path))
  await assert.rejects(packFolder(folder, again, []), /again\.tar\.gz/)
  symlinkSync('update.json', join(folder, 'link'))
  await assert.rejects(packFolder(folder, join(root, 'third.tar.gz'), []), /"link" is a link/)
  rmSync(join(folder, 'link'))
  writeFileSync(Buffer.from(join(folder, 'd\xe9jà'), 'latin1'), '')
  await assert.rejects(packFolder(folder, join(root, 'third.tar.gz'), []), /"d\\xE9j\\xE0" .* its name is not UTF-8/)
})

test('a field of update.json that is misspelt is not packed: devices would pass over it', async t => {
  for (const [written, meant] of [
    ['device', 'devices'],
    ['expire', 'expires'],
    ['relese', 'release'],
    ['pre-install', 'pre_install'],
  ] as const)
    await assert.rejects(packed(t, { name: 'app', [written]: ['x'] }, []), {
      code: 'PACKAGE_INVALID',
      message: new RegExp(`"${written}" is no field of it; did you mean "${meant}"`),
    })
  await packed(t, { name: 'app', vendor_note: 'for people' }, [])
})
