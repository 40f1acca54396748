// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { buildLibrary } from '../../build/bundle/library.ts'
import { clientScene } from '../helpers/client-scene.ts'
import { EndingApplication } from '../helpers/ending-application.ts'
import { startCloud } from '../helpers/local-cloud.ts'
import { tempDir } from '../helpers/temp-dir.ts'

const checkout = resolve(import.meta.dirname, '../..')
const all = [0, 1, 2, 3, 4]

/** Ways to end a process in which Node tells it before. */
const tolds: readonly (readonly [how: string, end: string, code: number])[] = [
  ['process.exit(0)', 'process.exit(0)', 0],
  ['process.exit inside a promise', 'Promise.resolve().then(() => process.exit(3)); await new Promise(() => {})', 3],
  ['an error that nobody catches', 'setImmediate(() => { throw new Error("mine") })', 1],
  ['a rejection that nobody handles', 'Promise.reject(new Error("mine"))', 1],
  ['a SIGTERM whose listener exits', `process.on('SIGTERM', () => process.exit(0)); console.log('ready')`, 0],
  ['a SIGINT whose listener exits', `process.on('SIGINT', () => process.exit(130)); console.log('ready')`, 130],
]

test('the library in a plain Node process that ends', async t => {
  const built = tempDir(t)
  await buildLibrary({ folder: join(built, 'dist') })
  copyFileSync(join(checkout, 'package.json'), join(built, 'package.json'))

  /** A folder in which the library is installed. */
  const application = (t: TestContext): EndingApplication => {
    const app = new EndingApplication(t)
    const installed = join(app.folder, 'node_modules/device-cloud')
    mkdirSync(join(installed, 'dist'), { recursive: true })
    for (const name of ['package.json', 'dist/index.js', 'dist/index.cjs'])
      copyFileSync(join(built, name), join(installed, name))
    return app
  }
  const node = (app: EndingApplication, source: string, signal?: NodeJS.Signals) =>
    app.run(process.execPath, [app.write('app.mjs', source)], signal)

  for (const [how, end, code] of tolds)
    await t.test(`${how}: what publish took is on flash for the next process`, async t => {
      const app = application(t)
      const ended = await node(app, app.source(end), how.includes('SIGINT') ? 'SIGINT' : 'SIGTERM')
      assert.equal(ended.code, code, ended.err)
      assert.deepEqual(await app.left(), all)
    })

  await t.test('an error of the library that nobody catches is shown with what to do about it', async t => {
    const app = application(t)
    const end = 'await client.disconnect(); await client.telemetry.publish("n", 1)'
    const { code, err } = await node(app, app.source(end))
    assert.equal(code, 1)
    assert.match(
      err,
      /AgentError: The outbox is closed\.\n[\s\S]*code: 'CLOSED',[\s\S]*remedy: 'Create a new Client\.'/,
    )
    assert.ok(err.length < 3000, `${err.length} characters`)
  })

  await t.test(
    'two clients in one process both write, and a client that was closed leaves no listener behind',
    async t => {
      const app = application(t)
      const second = `
      const other = new Client('other', { configDir: ${JSON.stringify(app.folder)}, settings: { quiet: true, cloud: { host: '127.0.0.1', port: 1, transport: 'mqtts', token: 'none' } } })
      const listeners = process.listenerCount('exit')
      await other.telemetry.publish('n', 9)
      console.log(process.listenerCount('exit') - listeners)`
      const both = await node(app, app.source(`${second}\nprocess.exit(0)`))
      assert.equal(both.out, '0\n')
      assert.equal(readdirSync(join(app.folder, 'queue')).length, 2)
      assert.deepEqual(await app.left(), all)

      const closed = application(t)
      const end = `await client.disconnect(); console.log(process.listenerCount('exit') - exitListeners)`
      assert.equal((await node(closed, closed.source(end))).out, '0\n')
      assert.deepEqual(await closed.left(), all)
    },
  )

  await t.test(
    'a queue folder that cannot be written to: one line says what is lost, and the exit code stays',
    async t => {
      const app = application(t)
      const end = `
      const { rmSync, writeFileSync } = await import('node:fs')
      rmSync(${JSON.stringify(join(app.folder, 'queue'))}, { recursive: true })
      writeFileSync(${JSON.stringify(join(app.folder, 'queue'))}, 'in the way')
      process.exit(5)`
      const { code, err } = await node(app, app.source(end))
      assert.equal(code, 5)
      assert.match(err, /^device-cloud: \S+-app: 5 samples end with the process: Cannot create .*\n$/)
    },
  )

  await t.test(
    'durability always: nothing twice; durability memory: nothing is written and nothing is said',
    async t => {
      const always = application(t)
      await node(always, always.source('process.exit(0)', { durability: 'always' }))
      assert.deepEqual(await always.left(), all)
      const memory = application(t)
      const { code, err } = await node(memory, memory.source('process.exit(0)', { durability: 'memory' }))
      assert.deepEqual([code, err], [0, ''])
      assert.deepEqual(await memory.left(), [])
    },
  )

  await t.test(
    'a signal that the application does not listen for ends it at once, as it does in any Node process',
    async t => {
      const app = application(t)
      const ended = await node(app, app.source(`console.log('ready'); setInterval(() => {}, 1000)`), 'SIGTERM')
      assert.equal(ended.signal, 'SIGTERM')
    },
  )

  await t.test('with a link: what the cloud has taken is not sent again, the rest is', async t => {
    const cloud = await startCloud(t)
    const app = application(t)
    const end = `
      await Promise.all(receipts.map(receipt => receipt.delivered()))
      await Promise.all([5, 6, 7].map(n => client.telemetry.publish('n', n)))
      process.exit(0)`
    const { code, err } = await node(app, app.source(end, { cloud }))
    assert.equal(code, 0, err)
    const { client } = clientScene(t, cloud, { configDir: app.folder })
    await client.connect()
    assert.equal(await client.disconnect({ waitForReplies: true }), true)
    const { values } = await cloud.ask('cloud.samples', { thingKey: app.thingKey, key: 'n', values: true })
    assert.deepEqual(values.slice(0, 5), all)
    assert.deepEqual([...new Set(values)].sort(), [...all, 5, 6, 7])
    assert.ok(!values.slice(5).some((value: number) => value < 5), String(values))
  })
})
