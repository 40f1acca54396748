// SPDX-License-Identifier: Apache-2.0
/** Which packages a device takes: name, release, devices, expiry and revoked keys. Real archives, real memory on disk. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { earliestSetClockMs } from '../../../src/base/clock.ts'
import { AgentError } from '../../../src/base/errors.ts'
import { rememberInstalled } from '../../../src/manager/ota/admission.ts'
import { longestClockWaitMs } from '../../../src/manager/ota/await-expiry.ts'
import { InstalledReleases } from '../../../src/manager/ota/installed-releases.ts'
import type { PackageRules } from '../../../src/manager/ota/package/check-package.ts'
import type { UpdateManifest } from '../../../src/manager/ota/package/manifest.ts'
import { keyIdOf } from '../../../src/manager/ota/package/signature.ts'
import { UpdateError } from '../../../src/manager/ota/package/update-error.ts'
import { SignedMemory } from '../../../src/manager/ota/signed-memory.ts'
import { Status } from '../../../src/protocol/status.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { oneOf, seeded } from '../../helpers/seeded.ts'
import { PackageDoor, testKey, writeSigned } from '../../helpers/signed-packages.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const id = (text: string) => keyIdOf(text) ?? ''
const app = (release: number, more: object = {}) => ({ name: 'app', release, ...more })

/** A device that requires signatures. */
function strict(root: string, keys: readonly { text: string }[], more: Partial<PackageRules> = {}, clock?: FakeClock) {
  const owner = { publicKeys: keys.map(({ text }) => text), requireSignature: true, ...more }
  return new PackageDoor(join(root, 'runtime'), owner, clock)
}

/** Takes a package and goes on to the end of the update. */
async function install(door: PackageDoor, path: string): Promise<UpdateManifest> {
  const { manifest } = await door.takes(path)
  await rememberInstalled(manifest, door.places)
  return manifest
}

test('where signatures are required a package needs name and release', async t => {
  const root = tempDir(t)
  const key = testKey()
  const door = strict(root, [key])
  await door.refuses(await writeSigned(root, 'a.zip', { release: 1 }, [key]), /has no "name".*ota\.require_signature/)
  await door.refuses(await writeSigned(root, 'b.zip', { name: 'app' }, [key]), /has no "release"/)
  await door.refuses(await writeSigned(root, 'c.zip', { name: '', release: 1 }, [key]), /has no "name"/)
  await door.takes(await writeSigned(root, 'd.zip', app(1), [key]))
  const lax = strict(tempDir(t), [key], { requireSignature: false })
  await lax.takes(await writeSigned(root, 'e.zip', {}, [key]))
})

test('another name than that of the signed packages so far is taken only when ota.names lists it', async t => {
  const root = tempDir(t)
  const key = testKey()
  const other = await writeSigned(root, 'other.zip', { name: 'other', release: 9 }, [key])
  await install(strict(root, [key]), await writeSigned(root, 'app.zip', app(1), [key]))
  await strict(root, [key]).refuses(
    other,
    /its name is "other".*were "app" so far; to take it, add the name to ota\.names/,
  )
  await strict(root, [key], { names: ['third'] }).refuses(other, /ota\.names does not list its name "other"/)
  const listing = strict(root, [key], { names: ['other'] })
  await install(listing, other)
  // Both are known now.
  for (const door of [strict(root, [key]), listing]) {
    await door.takes(other)
    await door.takes(await writeSigned(root, 'app2.zip', app(2), [key]))
  }
  // The list holds for the first package too, and what was installed unsigned settles nothing.
  const fresh = tempDir(t)
  await strict(fresh, [key], { names: ['app'] }).refuses(other, /ota\.names does not list/)
  const unsigned = strict(fresh, [], { requireSignature: false })
  await install(unsigned, await writeSigned(fresh, 'u.zip', app(1), []))
  await strict(fresh, [key]).takes(other)
})

for (const requireSignature of [true, false])
  test(`a releases.json that cannot be read refuses, with its remedy (required: ${requireSignature})`, async t => {
    const root = tempDir(t)
    const key = testKey()
    const door = strict(root, [key], { requireSignature })
    const path = await writeSigned(root, 'app.zip', app(7), requireSignature ? [key] : [])
    const { releases } = door.places
    await install(door, path)
    assert.deepEqual(JSON.parse(readFileSync(releases, 'utf8')), { app: 7 })
    const sound = ['{"app": 7}', '{"app": 7, "other": 0}']
    const damaged = [
      '',
      '{',
      '[]',
      'null',
      '7',
      '{"app": "7"}',
      '{"app": -1}',
      '{"app": 7, "x": 1.5}',
      '{"app": null}',
      '\0'.repeat(99),
    ]
    for (const text of damaged) {
      writeFileSync(releases, text)
      await door.refuses(path, /releases\.json says which packages may come, and .* remove the file when you know/)
      await assert.rejects(new InstalledReleases(releases).remember('app', 8), /releases\.json/)
      assert.equal(readFileSync(releases, 'utf8'), text, 'damage is left for the owner to see')
    }
    writeFileSync(releases, 'x'.repeat(300_000))
    await door.refuses(path, /larger than/)
    rmSync(releases)
    mkdirSync(releases)
    await door.refuses(path, /not a regular file/)
    rmSync(releases, { recursive: true })
    for (const text of sound) {
      writeFileSync(releases, text)
      await door.takes(path)
    }
    rmSync(releases)
    await door.takes(path)
  })

test('names of objects are names of packages like others', async t => {
  const releases = new InstalledReleases(join(tempDir(t), 'releases.json'))
  for (const name of ['__proto__', 'constructor', 'toString', '']) {
    assert.equal(await releases.of(name), undefined)
    await releases.remember(name, 3)
    assert.equal(await releases.of(name), 3)
  }
})

test('a full releases.json forgets nothing: another name is refused', async t => {
  const root = tempDir(t)
  const door = strict(root, [], { requireSignature: false })
  mkdirSync(dirname(door.places.releases), { recursive: true })
  const many = Object.fromEntries(Array.from({ length: 1000 }, (_, number) => [`p${number}`, 1]))
  writeFileSync(door.places.releases, JSON.stringify(many))
  await door.refuses(await writeSigned(root, 'app.zip', app(1), []), /releases\.json of this device is full/)
  await door.takes(await writeSigned(root, 'p.zip', { name: 'p5', release: 2 }, []))
  // Also when it is full of long names.
  const long = Object.fromEntries(Array.from({ length: 323 }, (_, number) => [`${number}${'é'.repeat(400)}`, 1]))
  writeFileSync(door.places.releases, JSON.stringify(long))
  await door.refuses(await writeSigned(root, 'long.zip', { name: '\u0001'.repeat(256), release: 1 }, []), /is full/)
})

test('a package for named devices is refused by all others, without telling them the names', async t => {
  const root = tempDir(t)
  const key = testKey()
  for (const [keys, door] of [
    [[key], strict(root, [key])],
    [[], strict(root, [], { requireSignature: false })],
  ] as const) {
    const path = await writeSigned(root, 'app.zip', app(1, { devices: ['dev-1', 'dev-2'] }), keys)
    await door.takes(path, { deviceId: 'dev-2' })
    for (const deviceId of ['dev-3', 'DEV-1', 'dev-1 ', 'dev'])
      await door.refuses(path, /^The package is refused: "devices" in it names .* \(2\), and this device is dev/i, {
        deviceId,
      })
    await door.refuses(path, /this device has no id yet/)
    const { error } = await door.open(path, { deviceId: 'dev-3' })
    assert.doesNotMatch(error?.message ?? '', /dev-1|dev-2/)
  }
})

test('a package is refused from the moment on at which it expires, signed or not', async t => {
  const root = tempDir(t)
  const key = testKey()
  const clock = new FakeClock(Date.parse('2029-12-31T23:59:59.999Z'))
  const manifest = app(1, { expires: '2030-01-01T01:00:00+01:00' })
  for (const [keys, requireSignature] of [
    [[key], true],
    [[], false],
  ] as const) {
    clock.setWall(Date.parse('2029-12-31T23:59:59.999Z'))
    const door = strict(root, [key], { requireSignature }, clock)
    const path = await writeSigned(root, 'app.zip', manifest, keys)
    await door.takes(path)
    clock.setWall(Date.parse('2030-01-01T00:00:00Z'))
    await door.refuses(path, /expired at 2030-01-01T00:00:00\.000Z by "expires".*shows 2030-01-01T00:00:00\.000Z/)
  }
})

test('with a clock that was never set, a package that expires waits for the time, and not for ever', async t => {
  const root = tempDir(t)
  const key = testKey()
  const neverSet = Date.parse('1970-01-01T00:00:30Z')
  const clock = new FakeClock(neverSet)
  const door = strict(root, [key], {}, clock)
  const path = await writeSigned(root, 'app.zip', app(1, { expires: '2030-01-01T00:00:00Z' }), [key])
  /** Opens the package, and resolves when it waits. */
  const waiting = async () => {
    let told = 0
    let tell = () => {}
    const waits = new Promise<void>(resolve => {
      tell = resolve
    })
    const onWait = () => {
      told++
      tell()
    }
    const opened = door.open(path, { onWait })
    await waits
    await clock.advance(60_000)
    assert.equal(told, 1, 'it is told once')
    assert.ok(!existsSync(door.places.packageFolder), 'nothing is unpacked meanwhile')
    return { opened }
  }
  const first = await waiting()
  clock.setWall(earliestSetClockMs)
  await clock.advance(10_000)
  assert.equal((await first.opened).manifest?.name, 'app')

  clock.setWall(neverSet)
  const second = await waiting()
  await clock.advance(longestClockWaitMs)
  const { error } = await second.opened
  assert.ok(error instanceof UpdateError)
  assert.equal(error.status, Status.TryAgain)
  assert.match(error.message, /was not set within 10 minutes: nothing was changed/)

  // One that does not expire needs no time.
  clock.setWall(0)
  await door.takes(await writeSigned(root, 'now.zip', app(1), [key]))
})

test('a signed package revokes a key: from then on its signatures are worth nothing, and nothing brings it back', async t => {
  const root = tempDir(t)
  const [old, fresh] = [testKey(), testKey()]
  const door = strict(root, [old, fresh])
  const byOld = await writeSigned(root, 'old.zip', app(1), [old])
  await install(door, byOld)
  const revoking = await writeSigned(root, 'revoke.zip', app(2, { revokes: [old.text] }), [fresh])
  assert.deepEqual((await door.takes(revoking)).manifest.revokes, [id(old.text)])
  await door.takes(await writeSigned(root, 'old2.zip', app(2), [old]))
  await install(door, revoking)
  assert.deepEqual(await door.signed.read(), { names: ['app'], revoked: [id(old.text)] })
  const late = await writeSigned(root, 'old3.zip', app(3), [old])
  await door.refuses(late, new RegExp(`signed with key ${id(old.text)}, which a signed package has revoked`))
  // Neither another entry of the same key nor a second signature helps the old one; the new one counts alone.
  await strict(root, [old, old, fresh]).refuses(late, /revoked/)
  assert.equal(
    (await door.takes(await writeSigned(root, 'both.zip', app(3), [old, fresh]))).manifest.signedBy,
    id(fresh.text),
  )
  await install(door, await writeSigned(root, 'again.zip', app(4, { revokes: [id(old.text)] }), [fresh]))
  assert.deepEqual((await door.signed.read()).revoked, [id(old.text)])
})

test('the last usable key cannot be revoked, and a key that stays must have signed', async t => {
  const root = tempDir(t)
  const [one, two, unknown] = [testKey(), testKey(), testKey()]
  const revoke = (name: string, keys: readonly { text: string }[], by: Parameters<typeof writeSigned>[3]) =>
    writeSigned(root, name, app(1, { revokes: keys.map(({ text }) => text) }), by)
  await strict(root, [one]).refuses(
    await revoke('a.zip', [one], [one]),
    /takes the last usable key of ota\.public_keys/,
  )
  const door = strict(root, [one, two])
  await door.refuses(await revoke('b.zip', [one, two], [one, two]), /takes the last usable key/)
  await door.refuses(await revoke('c.zip', [one], [one]), /every key that has signed it: a key that stays must sign it/)
  assert.ok(!existsSync(door.places.signed), 'a refused package revokes nothing')
  // It may go by its own word as well, when another one agrees; and one that this device never had is good to know.
  await door.takes(await revoke('d.zip', [one], [one, two]))
  await install(door, await revoke('e.zip', [unknown, one], [two]))
  await door.refuses(await revoke('f.zip', [two], [two]), /takes the last usable key/)
  await strict(root, [two, unknown]).refuses(await writeSigned(root, 'g.zip', app(2), [unknown]), /revoked/)
})

test('an unsigned package revokes nothing', async t => {
  const root = tempDir(t)
  const [key, other] = [testKey(), testKey()]
  const door = strict(root, [key, other], { requireSignature: false })
  const { manifest, log } = await door.takes(await writeSigned(root, 'u.zip', app(1, { revokes: [key.text] }), []))
  assert.equal(manifest.revokes, undefined)
  assert.match(log, /WARN.*"revokes".*counts only with an accepted signature/)
  await rememberInstalled(manifest, door.places)
  assert.ok(!existsSync(door.places.signed))
  // Nor a package whose signature cannot be checked here.
  const keyless = strict(root, [], { requireSignature: false })
  const unchecked = await keyless.takes(await writeSigned(root, 's.zip', app(1, { revokes: [key.text] }), [other]))
  assert.equal(unchecked.manifest.revokes, undefined)
})

test('a signed.json that cannot be read refuses every signed package, with its remedy', async t => {
  const root = tempDir(t)
  const key = testKey()
  const door = strict(root, [key])
  const path = await writeSigned(root, 'app.zip', app(1), [key])
  await install(door, path)
  const lax = strict(root, [key], { requireSignature: false })
  const unsigned = await writeSigned(root, 'u.zip', app(1), [])
  for (const text of [
    '',
    '{}',
    '[]',
    '{"names":[]}',
    '{"revoked":[]}',
    '{"names":[1],"revoked":[]}',
    '{"names":[],"revoked":["x"]}',
    'x',
  ]) {
    writeFileSync(door.places.signed, text)
    for (const one of [door, lax])
      await one.refuses(
        path,
        /signed\.json says which packages may come, and .*take the keys .* out of ota\.public_keys/,
      )
    await assert.rejects(door.signed.remember('app', [id(key.text)]), /signed\.json/)
    assert.equal(readFileSync(door.places.signed, 'utf8'), text)
    await lax.takes(unsigned)
  }
  writeFileSync(door.places.signed, '{"names":["app"],"revoked":[],"later":1}')
  await door.takes(path)
})

test('chance in signed.json: it is understood or refused', t => {
  const path = join(tempDir(t), 'signed.json')
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    '"names"',
    '"revoked"',
    ':',
    ',',
    '"a"',
    `"${'0'.repeat(16)}"`,
    '1',
    'null',
    '"__proto__"',
  ]
  return checkChance(t, path, pieces)
})

async function checkChance(t: TestContext, path: string, pieces: readonly string[]): Promise<void> {
  const memory = new SignedMemory(path)
  let used = 0
  const sound = '{"names":["a"],"revoked":["0123456789abcdef"]}'
  for (let seed = 1; seed < 400; seed++) {
    const dice = seeded(seed)
    const at = dice(sound.length)
    const odd = oneOf(dice, pieces)
    writeFileSync(
      path,
      dice(2) === 0 ? `${sound.slice(0, at)}${odd}${sound.slice(at)}` : sound.replace(sound[at] ?? '', odd),
    )
    try {
      const { names, revoked } = await memory.read()
      used++
      assert.ok(names.every(name => typeof name === 'string') && revoked.every(key => /^[0-9a-f]{16}$/.test(key)))
    } catch (error) {
      assert.ok(error instanceof AgentError && error.code === 'POLICY_REFUSED', `seed ${seed}: ${error}`)
    }
  }
  t.diagnostic(`${used} used`)
}
