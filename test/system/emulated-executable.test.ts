// SPDX-License-Identifier: Apache-2.0
/** The executables of all targets at work: x64 as it is, the others under qemu-user, against the local cloud. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { targetNames } from '../../build/target.ts'
import { version } from '../../src/base/version.ts'
import { newDevice } from '../helpers/client-scene.ts'
import { executableOf, type Startable } from '../helpers/executable.ts'
import { type LocalCloud, startCloud } from '../helpers/local-cloud.ts'
import { makeDevice } from '../helpers/managed-device.ts'
import { startExecutable } from '../helpers/started-executable.ts'

const examples = join(import.meta.dirname, '../../share/examples')
/** More than one part of a transfer, and not a multiple of anything. */
const fileBytes = 300_007

for (const name of targetNames)
  test(`the ${name} executable at work`, async t => {
    const built = await executableOf(t, name)
    if (built === undefined) return
    const cloud = await startCloud(t)

    for (const transport of ['mqtts', 'wss'] as const)
      await t.test(`its manager answers actions and moves files over ${transport}`, t =>
        manageOver(t, cloud, built, transport),
      )

    await t.test('it runs telemetry.mjs: import gives the built-in library', async t => {
      const { app, thingKey } = await runExample(t, cloud, built, 'telemetry.mjs', /connected as (\S+)/)
      await app.until(/the cloud has our first event/)
      await cloud.heard({ thingKey, direction: 'in', contains: 'memory_free_mb' })
      assert.deepEqual(await app.stop(), { code: 0, signal: null })
      assert.match(app.said, /everything was delivered/)
    })

    await t.test('it runs actions.cjs: require gives the built-in library', async t => {
      const { app, thingKey } = await runExample(t, cloud, built, 'actions.cjs', /ready for actions as (\S+)/)
      const blinked = await cloud.exec(thingKey, 'blink', { times: 2, pause_ms: 1 })
      assert.deepEqual(blinked, { success: true, params: { blinked: 2 } })
      assert.equal((await cloud.exec(thingKey, 'list', { all: true })).params.exitCode, 0)
      assert.deepEqual(await app.stop(), { code: 0, signal: null })
    })

    await t.test('it makes the keys of a fleet owner', async t => {
      const folder = newDevice(t)
      const keygen = startExecutable(t, built, ['ota', 'keygen', 'fleet.key'], folder)
      assert.deepEqual(await keygen.ended, { code: 0, signal: null }, keygen.said)
      assert.match(readFileSync(join(folder, 'fleet.key'), 'utf8'), /BEGIN PRIVATE KEY/)
    })

    await t.test("an application's own files are found, and its errors name them", t => runOwnFiles(t, built))
  })

async function manageOver(t: TestContext, cloud: LocalCloud, built: Startable, transport: 'mqtts' | 'wss') {
  const port = transport === 'wss' ? cloud.https : cloud.mqtts
  const endpoint = { host: 'localhost', port, token: cloud.token, transport }
  const files = { file_xfer_host: 'localhost', file_xfer_port: String(cloud.https) }
  const device = makeDevice(t, cloud, { connection: { cloud: { ...endpoint, ...files } } })
  const manager = startExecutable(t, built, ['manager', '-i', 'device_manager_py'], device.folder)
  await manager.until(/device manager runs/)
  const thing = await cloud.waitForThing(device.thingKey, { timeoutMs: 60_000 })
  assert.equal(thing.connected, true)

  const ping = await cloud.exec(device.thingKey, 'ping')
  assert.equal(ping.params?.response, 'acknowledged')

  const content = Buffer.alloc(fileBytes, 'what the pump recorded ')
  writeFileSync(device.write('runtime/upload/record.bin', ''), content)
  const up = await cloud.exec(device.thingKey, 'file_upload', { file_name: 'record.bin' })
  assert.ok(up.success, up.errorMessages?.[0])
  const down = await cloud.exec(device.thingKey, 'file_download', { file_name: 'record.bin', file_path: 'back.bin' })
  assert.ok(down.success, down.errorMessages?.[0])
  assert.equal(sum(readFileSync(device.path('runtime/download/back.bin'))), sum(content))

  const seen = (await cloud.connections(transport)).filter(connection => connection.clientId === device.thingKey)
  assert.equal(seen.length, 1, `one connection over ${transport}`)
  const status = startExecutable(t, built, ['status', '--json'], device.folder)
  assert.deepEqual(await status.ended, { code: 0, signal: null })
  assert.equal(JSON.parse(status.said).version, version)

  assert.deepEqual(await manager.stop(), { code: 0, signal: null })
  assert.doesNotMatch(manager.said, /Warning|rejected/)
}

async function runExample(t: TestContext, cloud: LocalCloud, built: Startable, file: string, ready: RegExp) {
  const folder = newDevice(t)
  const settings = {
    cloud: { host: 'localhost', port: cloud.mqtts, transport: 'mqtts', token: cloud.token },
    ca_bundle_file: cloud.ca,
  }
  const appId = `${file.replace(/\..*$/, '')}-example`
  writeFileSync(join(folder, `${appId}-connect.cfg`), JSON.stringify(settings), { mode: 0o600 })
  const app = startExecutable(t, built, ['run', join(examples, file), folder], folder)
  const [, thingKey = ''] = await app.until(ready)
  return { app, thingKey }
}

const applications: Readonly<Record<string, string>> = {
  'main.mjs': `import { Client, Status } from 'device-cloud'
import library from 'device-cloud'
import { word } from './part.mjs'
const { isMain } = await import('./main.cjs')
console.log(typeof Client, Status.Success, library.Client === Client, word, process.argv[2], isMain)
function fault() { throw new Error('on purpose') }
fault()
`,
  'part.mjs': `export const word = 'part'\n`,
  'main.cjs': `const { Client } = require('device-cloud')
const { word } = require('./part.cjs')
exports.isMain = require.main === module
if (exports.isMain) {
  console.log(typeof Client, word, process.argv[2], exports.isMain)
  import('device-cloud').then(({ Client: same }) => {
    console.log(same === Client)
    throw new Error('on purpose')
  })
}
`,
  'part.cjs': `exports.word = 'part'\n`,
}

async function runOwnFiles(t: TestContext, built: Startable): Promise<void> {
  const folder = newDevice(t)
  for (const [name, text] of Object.entries(applications)) writeFileSync(join(folder, name), text)
  const module = startExecutable(t, built, ['run', 'main.mjs', 'word'], folder)
  assert.notEqual((await module.ended).code, 0)
  assert.match(module.said, /^function 0 true part word false$/m)
  assert.match(module.said, /on purpose[\s\S]*main\.mjs:6:/)
  const script = startExecutable(t, built, ['run', 'main.cjs', 'word'], folder)
  assert.notEqual((await script.ended).code, 0)
  assert.match(script.said, /^function part word true$/m)
  assert.match(script.said, /^true$/m)
  assert.match(script.said, /on purpose[\s\S]*main\.cjs:8:/)
}

function sum(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
