// SPDX-License-Identifier: Apache-2.0
/** Archives and manifests that chance has made: each is used or refused, and nothing else happens. */
import assert from 'node:assert/strict'
import { existsSync, lstatSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { AgentError } from '../../../src/base/errors.ts'
import { parseManifest } from '../../../src/manager/ota/package/manifest.ts'
import { scanPackage } from '../../../src/manager/ota/package/read-package.ts'
import { unpackPackage } from '../../../src/manager/ota/package/unpack.ts'
import { oddTar, oddZip } from '../../helpers/odd-archives.ts'
import { type Dice, oneOf, seeded } from '../../helpers/seeded.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

/** The long form begins anew each time, and says with which number. */
const isLong = process.env.DEVICE_CLOUD_LONG === '1'
const rounds = isLong ? 100_000 : 600
const firstSeed = isLong ? Date.now() % 1e9 : 1
const signal = new AbortController().signal

for (const [name, make] of [
  ['p.tar.gz', (dice: Dice) => gzipSync(oddTar(dice), { level: 1 })],
  ['p.zip', oddZip],
] as const)
  test(`${name}: nothing leaves the folder, and only plain private files are in it (${rounds} archives)`, async t => {
    const root = tempDir(t)
    const seen = { used: 0, refused: 0 }
    for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
      const error = await unpack(root, name, make(seeded(seed)))
      assert.ok(
        error === undefined || isRefusal(error),
        `seed ${seed}: ${error instanceof Error ? error.stack : error}`,
      )
      assertClean(root, name, seed)
      if (error === undefined) seen.used++
      else seen.refused++
    }
    t.diagnostic(`${seen.used} used, ${seen.refused} refused, from seed ${firstSeed}`)
    // Chance must do both, or it looks at nothing.
    assert.ok(seen.used > rounds / 50 && seen.refused > rounds / 50)
    assert.equal(Object.hasOwn(Object.prototype, 'path'), false)
  })

async function unpack(root: string, name: string, content: Uint8Array): Promise<unknown> {
  const path = join(root, name)
  rmSync(join(root, 'out'), { recursive: true, force: true })
  writeFileSync(path, content)
  try {
    await unpackPackage(path, join(root, 'out'), await scanPackage(path, signal), signal)
    return undefined
  } catch (error) {
    return error
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof AgentError && (error.code === 'PACKAGE_INVALID' || error.code === 'DISK_FULL')
}

function assertClean(root: string, name: string, seed: number): void {
  assert.deepEqual(
    readdirSync(root).filter(one => one !== name && one !== 'out'),
    [],
    `seed ${seed}`,
  )
  if (!existsSync(join(root, 'out'))) return
  for (const name of readdirSync(join(root, 'out'), { recursive: true, encoding: 'utf8' })) {
    const facts = lstatSync(join(root, 'out', name))
    assert.ok(facts.isFile() || facts.isDirectory(), `seed ${seed}: ${name} is neither file nor folder`)
    assert.equal(facts.mode & 0o7077, 0, `seed ${seed}: ${name} is for others too`)
  }
}

test(`update.json: what is used is sound, and what is not is refused with a reason (${10 * rounds} texts)`, (t: TestContext) => {
  let used = 0
  for (let seed = firstSeed; seed < firstSeed + 10 * rounds; seed++) {
    const text = oddManifest(seeded(seed))
    try {
      const { manifest, rules } = parseManifest(text)
      used++
      assert.ok(manifest.install.length > 0)
      for (const command of [manifest.preInstall, manifest.install, manifest.postInstall, manifest.errorAction])
        assert.ok(typeof command === 'string' && !command.includes('\0'))
      assert.ok(manifest.scriptTimeoutS > 0 && manifest.scriptTimeoutS <= 7 * 86_400)
      const { healthCheck, release, agent } = manifest
      if (healthCheck !== undefined) assert.ok(healthCheck.timeoutS > 0 && healthCheck.timeoutS <= 86_400)
      if (agent !== undefined) assert.ok(healthCheck !== undefined)
      assert.ok(release === undefined || (Number.isSafeInteger(release) && release >= 0))
      for (const sum of rules.files?.values() ?? []) assert.match(sum, /^[0-9a-f]{64}$/)
      const { expiresMs, devices = ['x'], revokes } = rules
      assert.ok(expiresMs === undefined || Number.isSafeInteger(expiresMs))
      assert.ok(devices.length > 0 && devices.length <= 10_000)
      for (const id of devices) assert.ok(id !== '' && Buffer.byteLength(id) <= 64)
      assert.ok(revokes.length <= 32 && new Set(revokes).size === revokes.length)
      for (const id of revokes) assert.match(id, /^[0-9a-f]{16}$/)
      for (const list of rules.compatibility.values()) assert.ok(list.every(one => typeof one === 'string'))
    } catch (error) {
      assert.ok(
        isRefusal(error),
        `seed ${seed}: ${error instanceof Error ? error.stack : error}\n${text.slice(0, 500)}`,
      )
      assert.match((error as AgentError).message, /^update\.json: ./, `seed ${seed}`)
    }
  }
  t.diagnostic(`${used} used, from seed ${firstSeed}`)
  assert.ok(used > rounds / 5)
})

const keys = [
  ...[
    'install',
    'pre_install',
    'post_install',
    'error_action',
    'reboot',
    'name',
    'version',
    'release',
    'agent',
    'files',
  ],
  ...['expires', 'devices', 'revokes', 'expires', 'devices', 'revokes'],
  ...['script_timeout', 'health_check', 'compatibility', '__proto__', 'constructor', 'toString', 'x', ''],
]

function oddManifest(dice: Dice): string {
  const members = Array.from({ length: dice(8) }, () => `${JSON.stringify(oneOf(dice, keys))}:${oddValue(dice, 3)}`)
  if (dice(4) !== 0) members.push('"install":"sh install.sh"')
  const text = `{${members.join(',')}}`
  switch (dice(12)) {
    case 0:
      return `\ufeff${text}`
    case 1:
      return text.slice(0, dice(text.length))
    case 2:
      return `${text}${oneOf(dice, [' ', '\0', '{}', ','])}`
    default:
      return text
  }
}

/** More devices than a package may name. */
const tooMany = `[${'"d",'.repeat(20_000)}"d"]`

function oddValue(dice: Dice, depth: number): string {
  const plain = [
    'null',
    'true',
    'false',
    '0',
    '-1',
    '1',
    '3600',
    '1e309',
    '1e-7',
    '9007199254740993',
    '"yes"',
    '" YES "',
    '""',
  ]
  const texts = [
    '"sh x.sh"',
    '"a\\u0000b"',
    '"../evil"',
    '"/bin/sh"',
    '"\\ud800"',
    JSON.stringify('x'.repeat(dice(100_000))),
  ]
  const times = ['"2030-01-31T12:00:00Z"', '"2030-13-31T12:00:00Z"', '"2030-01-31"', '"+275760-09-13T00:00:00Z"']
  const keys = [`"${'0'.repeat(16)}"`, `"ed25519:${'A'.repeat(43)}="`, `"ed25519:${'A'.repeat(40)}"`]
  const lists = [`[${keys.join()}]`, `[${keys[0]}]`, `[${keys[1]},${keys[0]}]`, '[]', '["dev-1"]', tooMany]
  const sums = [`"${'aB'.repeat(32)}"`, `"${'0'.repeat(63)}"`]
  if (depth === 0 || dice(3) !== 0) return oneOf(dice, [...plain, ...texts, ...sums, ...times, ...keys, ...lists])
  const inner = Array.from({ length: dice(4) }, () => oddValue(dice, depth - 1))
  if (dice(2) === 0) return `[${inner.join(',')}]`
  const names = ['timeout', 'command', 'a', '../b', 'os_version', '__proto__']
  return `{${inner.map(value => `${JSON.stringify(oneOf(dice, names))}:${value}`).join(',')}}`
}
