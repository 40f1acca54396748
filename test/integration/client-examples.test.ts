// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { newDevice } from '../helpers/client-scene.ts'
import { type LocalCloud, startCloud } from '../helpers/local-cloud.ts'

const checkout = resolve(import.meta.dirname, '../..')

/** Runs an example as a user does who has the library: `device-cloud` is what the library's source gives. */
function runExample(t: TestContext, cloud: LocalCloud, name: string) {
  const configDir = newDevice(t)
  const appId = `${name.replace(/\..*$/, '')}-example`
  const settings = {
    cloud: { host: cloud.host, port: cloud.mqtts, transport: 'mqtts', token: cloud.token },
    ca_bundle_file: cloud.ca,
  }
  writeFileSync(join(configDir, `${appId}-connect.cfg`), JSON.stringify(settings), { mode: 0o600 })
  const loader = join(configDir, 'loader.mjs')
  writeFileSync(
    loader,
    `import { provideLibrary } from ${JSON.stringify(join(checkout, 'src/cli/application/provide-library.ts'))}
import * as library from ${JSON.stringify(join(checkout, 'src/index.ts'))}
provideLibrary(library)`,
  )
  const args = ['--import', 'tsx', '--import', loader, join(checkout, 'share/examples', name), configDir]
  const child = spawn(process.execPath, args, { cwd: checkout, stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  return { child, said: collect(child) }
}

/** Everything that the example said, and waiting for some of it. */
function collect(child: ChildProcess) {
  let text = ''
  const waiting = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (part: Buffer) => {
      text += part
      for (const wake of waiting) wake()
    })
  const until = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((found, fail) => {
      const look = () => {
        const match = pattern.exec(text)
        if (match === null) return
        waiting.delete(look)
        found(match)
      }
      waiting.add(look)
      child.once('exit', code => fail(new Error(`the example ended with ${code}: ${text}`)))
      look()
    })
  return { until, text: () => text }
}

/** Tells the example to stop; resolves to its exit code. */
function stop(child: ChildProcess): Promise<number | null> {
  const ended = new Promise<number | null>(resolve => child.once('exit', code => resolve(code)))
  child.kill('SIGTERM')
  return ended
}

test('the examples run against a cloud and stop cleanly', async t => {
  const cloud = await startCloud(t)

  await t.test('telemetry.mjs publishes numbers, a text and an event', async t => {
    const { child, said } = runExample(t, cloud, 'telemetry.mjs')
    const thingKey = (await said.until(/connected as (\S+)/))[1] ?? ''
    await said.until(/the cloud has our first event/)
    await cloud.heard({ thingKey, direction: 'in', contains: 'memory_free_mb' })
    assert.equal(await stop(child), 0)
    assert.match(said.text(), /everything was delivered/)
    const thing = await cloud.ask('thing.find', { key: thingKey })
    assert.deepEqual(Object.keys(thing.properties).sort(), ['load', 'memory_free_mb'])
    assert.ok(thing.attrs.hostname.value)
  })

  await t.test('actions.cjs takes parameters, tells its progress and gives values back', async t => {
    const { child, said } = runExample(t, cloud, 'actions.cjs')
    const thingKey = (await said.until(/ready for actions as (\S+)/))[1] ?? ''
    const blinked = await cloud.exec(thingKey, 'blink', { times: 3, pause_ms: 1 })
    assert.deepEqual(blinked, { success: true, params: { blinked: 3 } })
    assert.deepEqual((await cloud.exec(thingKey, 'blink', { times: 'many' })).errorCodes, [2])
    assert.deepEqual((await cloud.exec(thingKey, 'backup')).params, { files: 12 })
    assert.equal((await cloud.exec(thingKey, 'list', { all: true })).params.exitCode, 0)
    const running = cloud.exec(thingKey, 'blink', { times: 1000, pause_ms: 1000 })
    await cloud.heard({ thingKey, direction: 'in', contains: '1 of 1000' })
    assert.equal(await stop(child), 0)
    assert.equal((await running).success, false)
  })

  await t.test('location.mjs publishes positions', async t => {
    const { child, said } = runExample(t, cloud, 'location.mjs')
    const thingKey = (await said.until(/connected as (\S+)/))[1] ?? ''
    await cloud.heard({ thingKey, direction: 'in', command: 'location.batch' })
    assert.equal(await stop(child), 0)
    const { lat, heading, fixType } = await cloud.ask('location.current', { thingKey })
    // On a busy machine the example publishes further positions, each turned by ten degrees, before it is stopped.
    const batches = await cloud.transcript({ thingKey, direction: 'in', command: 'location.batch' })
    const sent = batches.flatMap(({ payload }) => payload['1'].params.data)
    assert.ok(lat > 54)
    assert.equal(sent[0].heading, 100)
    assert.equal(heading, sent.at(-1).heading)
    assert.equal(fixType, 'gps')
  })
})
