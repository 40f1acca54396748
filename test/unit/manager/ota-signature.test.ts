// SPDX-License-Identifier: Apache-2.0
/** The second form of signature: all that is in an archive is signed, and nothing of it can be changed. */
import assert from 'node:assert/strict'
import { createHash, createPrivateKey, createPublicKey, verify } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { checkPackage } from '../../../src/manager/ota/package/check-package.ts'
import { packFolder } from '../../../src/manager/ota/package/pack.ts'
import { maxListingBytes, PackageListing, readListing } from '../../../src/manager/ota/package/package-listing.ts'
import { scanPackage } from '../../../src/manager/ota/package/read-package.ts'
import { parsePublicKey, publicKeyText, signatureText, signersOf } from '../../../src/manager/ota/package/signature.ts'
import { unpackPackage } from '../../../src/manager/ota/package/unpack.ts'
import { type MadeEntry, makeTar, makeZip } from '../../helpers/archives.ts'
import { oneOf, seeded } from '../../helpers/seeded.ts'
import { PackageDoor, signEntries, testKey, writeArchive } from '../../helpers/signed-packages.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const signal = new AbortController().signal
const manifest = JSON.stringify({ install: 'sh run.sh', name: 'app', release: 1 })

/** Everything that an archive may say, in an order of its own. */
const entries: readonly MadeEntry[] = [
  { name: 'update.json', content: manifest, mode: 0o100644 },
  { name: 'empty/', mode: 0o40755 },
  { name: 'bin/', mode: 0o40755 },
  { name: 'bin/run.sh', content: '#!/bin/sh\n', mode: 0o100755 },
  { name: 'data', content: 'one', mode: 0o100644 },
  { name: 'more', content: 'two', mode: 0o100644 },
]

type Change = (signed: readonly MadeEntry[]) => readonly MadeEntry[]

const changed =
  (name: string, more: Partial<MadeEntry>): Change =>
  signed =>
    signed.map(entry => (entry.name === name ? { ...entry, ...more } : entry))

const tampering: readonly (readonly [string, Change])[] = [
  ['a script that is no program any more', changed('bin/run.sh', { mode: 0o100644 })],
  ['data that became a program', changed('data', { mode: 0o100755 })],
  ['bits for others', changed('data', { mode: 0o100666 })],
  ['setuid', changed('bin/run.sh', { mode: 0o104755 })],
  ['the mode of a folder', changed('bin/', { mode: 0o40700 })],
  ['an empty folder added', signed => [...signed, { name: 'new/', mode: 0o40755 }]],
  ['an empty folder removed', signed => signed.filter(({ name }) => name !== 'empty/')],
  ['a folder that is not empty removed', signed => signed.filter(({ name }) => name !== 'bin/')],
  ['an empty folder that became a file', changed('empty/', { name: 'empty', mode: 0o100755 })],
  ['two files swapped', signed => [...signed.slice(0, -2), ...signed.slice(-2).reverse()]],
  ['folder and manifest swapped', signed => [...signed.slice(2, 3), ...signed.slice(0, 2), ...signed.slice(3)]],
  ['a file renamed', changed('data', { name: 'Data' })],
  ['a file moved into a folder', changed('data', { name: 'empty/data' })],
  ['a file moved out of its folder', changed('bin/run.sh', { name: 'run.sh' })],
  ['a file added', signed => [...signed, { name: 'evil', content: 'x' }]],
  ['a file removed', signed => signed.filter(({ name }) => name !== 'more')],
  ['content changed', changed('data', { content: 'eno' })],
  [
    'contents of two files swapped',
    signed => changed('data', { content: 'two' })(changed('more', { content: 'one' })(signed)),
  ],
  ['a space behind update.json', changed('update.json', { content: `${manifest} ` })],
  ['update.json made a program', changed('update.json', { mode: 0o100755 })],
]

for (const kind of ['zip', 'tar.gz'] as const) {
  test(`${kind}: a package that is signed as a whole is taken, and anything changed in it is refused`, async t => {
    const root = tempDir(t)
    const key = testKey()
    const signed = await signEntries(root, entries, [key], kind)
    for (const requireSignature of [true, false]) {
      const door = new PackageDoor(join(root, String(requireSignature)), { publicKeys: [key.text], requireSignature })
      const { manifest } = await door.takes(writeArchive(root, `sound.${kind}`, signed))
      assert.match(manifest.signedBy ?? '', /^[0-9a-f]{16}$/)
      for (const [what, change] of tampering) {
        const path = writeArchive(root, `changed.${kind}`, change(signed))
        await t.test(`${what}, required: ${requireSignature}`, () =>
          door.refuses(path, /does not fit what is in it: it was changed after it was signed/),
        )
      }
    }
    // A file that comes twice is refused before anybody looks at signatures.
    const door = new PackageDoor(root, { publicKeys: [key.text], requireSignature: true })
    const twice = await door.open(writeArchive(root, `twice.${kind}`, [...signed, { name: 'data', content: 'x' }]))
    assert.match(twice.error?.message ?? '', /in the package twice/)
  })
}

test('one listing for a zip and a tar with the same entries, whatever time, owner and compression they tell', async t => {
  const root = tempDir(t)
  const [zip, tar] = await Promise.all(
    ['p.zip', 'p.tar.gz'].map(name => scanPackage(writeArchive(root, name, entries), signal)),
  )
  assert.equal(zip?.listing, tar?.listing)
  const sum = (text: string) => createHash('sha256').update(text).digest('hex')
  assert.equal(
    zip?.listing,
    `file 0644 ${manifest.length} ${sum(manifest)} update.json\n` +
      `folder 0755 empty\nfolder 0755 bin\nfile 0755 10 ${sum('#!/bin/sh\n')} bin/run.sh\n` +
      `file 0644 3 ${sum('one')} data\nfile 0644 3 ${sum('two')} more\n`,
  )
  const dotted = entries.map(entry => ({ ...entry, name: `./${entry.name}` }))
  const all = [{ name: './', mode: 0o755 }, ...dotted]
  assert.equal(
    (await scanPackage(writeArchive(root, 'q.tar.gz', all), signal)).listing,
    `folder 0755 .\n${zip?.listing}`,
  )
})

test('what lies behind the end of a signed tar is refused where signatures are required', async t => {
  const root = tempDir(t)
  const key = testKey()
  const tar = makeTar(await signEntries(root, entries, [key], 'tar.gz'))
  const door = new PackageDoor(root, { publicKeys: [key.text], requireSignature: true })
  const path = join(root, 'p.tar.gz')
  const evil = makeTar([{ name: 'evil', content: 'x' }])
  for (const content of [gzipSync(Buffer.concat([tar, evil])), Buffer.concat([gzipSync(tar), gzipSync(evil)])]) {
    writeFileSync(path, content)
    await door.refuses(path, /something lies behind the end of the archive/)
  }
  // Filling is what every tar program writes there.
  writeFileSync(path, gzipSync(Buffer.concat([tar, Buffer.alloc(10_240)])))
  await door.takes(path)
})

test('a zip behind a signed zip, or anything else behind it, is not taken for the signed one', async t => {
  const root = tempDir(t)
  const key = testKey()
  const zip = makeZip(await signEntries(root, entries, [key]))
  const path = join(root, 'p.zip')
  const door = new PackageDoor(root, { publicKeys: [key.text], requireSignature: true })
  for (const more of [makeZip([{ name: 'update.json', content: manifest }]), Buffer.from('x'), Buffer.alloc(1)]) {
    writeFileSync(path, Buffer.concat([zip, more]))
    const { error } = await door.open(path)
    assert.ok(error?.code === 'PACKAGE_INVALID' || error?.code === 'POLICY_REFUSED', error?.message)
  }
})

test('a package that becomes another one between its check and its unpacking is not gone on with', async t => {
  const root = tempDir(t)
  for (const kind of ['zip', 'tar.gz']) {
    const name = `p.${kind}`
    const scanned = await scanPackage(writeArchive(root, name, entries), signal)
    for (const [what, change] of tampering) {
      const path = writeArchive(root, name, change(entries))
      const folder = join(root, 'out')
      await assert.rejects(
        unpackPackage(path, folder, scanned, signal),
        /changed while it was read/,
        `${what}, ${kind}`,
      )
      rmSync(folder, { recursive: true })
    }
    await unpackPackage(writeArchive(root, name, entries), join(root, 'out'), scanned, signal)
    rmSync(join(root, 'out'), { recursive: true })
  }
})

test('an agent of before the second form takes what is packed now by the first line', async t => {
  const { root, path, key } = await packed(t)
  const scanned = await scanPackage(path, signal)
  const text = scanned.signature?.toString('latin1') ?? ''
  assert.deepEqual(
    text.split('\n').map(line => line.split(' ')[0]),
    ['ed25519', 'ed25519-2', ''],
  )
  // Its parser, as it was.
  const domain = Buffer.from('device-cloud update package 1\n')
  const right = text
    .split('\n')
    .slice(0, 32)
    .filter(line => {
      const [, , encoded] = /^ed25519 ([0-9a-f]{16}) ([A-Za-z0-9+/=]+)\s*$/.exec(line) ?? []
      if (encoded === undefined) return false
      const signed = Buffer.concat([domain, scanned.manifest ?? Buffer.alloc(0)])
      return verify(null, signed, createPublicKey(key.key), Buffer.from(encoded, 'base64'))
    })
  assert.equal(right.length, 1)
  // A device that requires signatures wants the second; one that does not takes what is there, and says so.
  const first = text.split('\n')[0]
  const files = { 'run.sh': createHash('sha256').update('true\n').digest('hex') }
  assert.deepEqual(JSON.parse(String(scanned.manifest)).files, files)
  const old = writeArchive(root, 'old.zip', [
    { name: 'update.json', content: scanned.manifest ?? '' },
    { name: 'update.sig', content: `${first}\n` },
    { name: 'run.sh', content: 'true\n' },
  ])
  await new PackageDoor(join(root, 'a'), { publicKeys: [key.text], requireSignature: true }).refuses(
    old,
    /first form alone.*pack it again with "device-cloud ota pack"/,
  )
  const lax = new PackageDoor(join(root, 'b'), { publicKeys: [key.text], requireSignature: false })
  assert.match((await lax.takes(old)).log, /WARN.*first form/)
})

test('a signature of the second form that is wrong is refused also where the first one is right and none is required', async t => {
  const { root, path, key } = await packed(t)
  const scanned = await scanPackage(path, signal)
  const lines = String(scanned.signature).split('\n')
  const other = signatureText(Buffer.from('{}'), 'file 0644 0 0 x\n', [key.key]).split('\n')
  const changed = writeArchive(root, 'c.zip', [
    { name: 'update.json', content: scanned.manifest ?? '' },
    { name: 'update.sig', content: `${lines[0]}\n${other[1]}\n` },
    { name: 'run.sh', content: 'true\n' },
  ])
  await new PackageDoor(root, { publicKeys: [key.text], requireSignature: false }).refuses(changed, /was changed after/)
})

test('the signatures themselves are never among the files of a script', async t => {
  const { root, path, key } = await packed(t)
  const door = new PackageDoor(root, { publicKeys: [key.text], requireSignature: true })
  await door.takes(path)
  assert.ok(existsSync(join(door.places.packageFolder, 'update.json')))
  assert.ok(!existsSync(join(door.places.packageFolder, 'update.sig')))
})

test('reserved names are refused in whatever kind and spelling, signed or not', async t => {
  const root = tempDir(t)
  const door = new PackageDoor(root, { publicKeys: [], requireSignature: false })
  const update = { name: 'update.json', content: manifest }
  for (const entry of [
    ...[
      'ota_install.log',
      'ota_install.log/',
      'ota_install.log/x',
      './ota_install.log',
      'OTA_Install.log',
      'ota_install.log.',
    ],
    ...[
      'update.sig/',
      'update.sig/x',
      'Update.sig',
      'UPDATE.SIG/',
      'update.sig ',
      'Update.JSON',
      'update.json/',
      'update.json/x',
    ],
  ])
    for (const name of ['p.zip', 'p.tar.gz']) {
      const clash = entry.startsWith('update.json/') ? [] : [update]
      const path = writeArchive(root, name, [...clash, { name: entry }])
      const { error } = await door.open(path)
      assert.equal(error?.code, 'PACKAGE_INVALID', `${entry} in ${name}`)
      assert.match(
        error?.message ?? '',
        /is refused: (?:the agent keeps the log|update\.(?:sig|json) is a file of that)/,
        entry,
      )
    }
  // Deeper down they mean nothing.
  for (const name of ['p.zip', 'p.tar.gz'])
    await door.takes(writeArchive(root, name, [update, { name: 'old/ota_install.log' }, { name: 'old/update.json' }]))
  const folder = join(root, 'in')
  mkdirSync(join(folder, 'ota_install.log'), { recursive: true })
  writeFileSync(join(folder, 'update.json'), manifest)
  await assert.rejects(packFolder(folder, join(root, 'x.tar.gz'), []), /the agent keeps the log/)
})

test('the test vector of the documentation: what it says is signed, by what it says, and a device takes it', async t => {
  const text = readFileSync(join(import.meta.dirname, '../../../share/reference/update-packages.md'), 'utf8')
  const block = (title: string) => {
    const [, content] = new RegExp(`${title}\n\n\`\`\`text\n(.*?)\`\`\``, 's').exec(text) ?? []
    return content ?? assert.fail(`${title} is not in the documentation`)
  }
  const seed = /private key of 32 bytes `([0-9a-f]{64})`/.exec(text)?.[1] ?? ''
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex')
  const key = createPrivateKey({ key: Buffer.concat([prefix, Buffer.from(seed, 'hex')]), format: 'der', type: 'pkcs8' })
  const publicKey = publicKeyText(createPublicKey(key))
  assert.ok(text.includes(publicKey))
  const signature = block('Its line of `update.sig`:')
  const path = writeArchive(tempDir(t), 'p.zip', [
    { name: 'update.json', content: block('Its `update.json`:'), mode: 0o100644 },
    { name: 'update.sig', content: signature },
    { name: 'conf/', mode: 0o40755 },
    { name: 'run.sh', content: 'echo hello\n', mode: 0o100755 },
  ])
  const scanned = await scanPackage(path, signal)
  assert.equal(`device-cloud update package 2\n${scanned.listing}`, block('What is signed:'))
  assert.equal(checkPackage(scanned, { publicKeys: [publicKey], requireSignature: true }).covers, 'all')
  assert.equal(signatureText(Buffer.alloc(0), scanned.listing ?? '', [key]).split('\n')[1], signature.trim())
})

test('a public key that anybody can sign for is none, however it is spelled', () => {
  const identity = Buffer.alloc(32)
  identity[0] = 1
  const hidden = Buffer.from(identity)
  hidden[31] = 0x80
  const spelled = Buffer.alloc(32, 0xff)
  spelled[0] = 0xee
  const eighth = Buffer.from('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85', 'hex')
  for (const raw of [identity, Buffer.alloc(32), hidden, spelled, eighth])
    assert.throws(() => parsePublicKey(`ed25519:${raw.toString('base64')}`), /anybody can sign for/)
  for (let count = 0; count < 20; count++) assert.match(parsePublicKey(testKey().text).id, /^[0-9a-f]{16}$/)
})

test('a listing that is too large cannot be signed, and is refused where signatures are required', () => {
  const listing = new PackageListing()
  const name = 'x'.repeat(1000)
  for (let count = 0; count * 1000 <= maxListingBytes; count++) listing.folder(`${count}${name}`, 0o755)
  assert.equal(listing.text, undefined)
})

test('chance in update.sig and in listings: nothing is thrown, and nothing is taken for a signature', () => {
  const key = testKey()
  const [, id = ''] = signatureText(Buffer.alloc(0), '', [key.key]).split(' ')
  const right = signatureText(Buffer.from('{}'), 'x\n', [key.key])
  const pieces = [
    'ed25519 ',
    'ed25519-2 ',
    `${id} `,
    'AAAA',
    '\n',
    ' ',
    '=',
    '\r',
    '\0',
    'ed25519-3 x y\n',
    'é',
    right.slice(0, 90),
  ]
  const listed = [
    'file ',
    'folder ',
    '0644 ',
    '9 ',
    'a'.repeat(64),
    ' ',
    'update.json',
    '\n',
    '..',
    '/',
    '99999 ',
    '\u2028',
  ]
  const make = (from: readonly string[], seed: number) => {
    const dice = seeded(seed)
    return Array.from({ length: dice(40) }, () => oneOf(dice, from)).join('')
  }
  const publicKey = { id, key: createPublicKey(key.key) }
  for (let seed = 1; seed < 3000; seed++) {
    const signers = signersOf(make(pieces, seed), { manifest: Buffer.from('{}'), listing: 'y\n' }, [publicKey])
    assert.deepEqual([signers.whole, signers.manifest], [[], []])
    const read = readListing(make(listed, seed))
    for (const [, { bytes, mode }] of read?.files ?? []) assert.ok(Number.isSafeInteger(bytes) && mode <= 0o7777)
  }
  const { whole } = signersOf(right, { manifest: Buffer.from('{}'), listing: 'x\n' }, [publicKey])
  assert.deepEqual(whole, [id])
})

async function packed(t: TestContext) {
  const root = tempDir(t)
  const folder = join(root, 'in')
  mkdirSync(folder)
  writeFileSync(join(folder, 'update.json'), manifest)
  writeFileSync(join(folder, 'run.sh'), 'true\n')
  const key = testKey()
  const path = join(root, 'p.tar.gz')
  await packFolder(folder, path, [key.key])
  const owner = { publicKeys: [key.text], requireSignature: true }
  assert.equal(checkPackage(await scanPackage(path, signal), owner).covers, 'all')
  return { root, path, key }
}
