// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EndingApplication } from '../helpers/ending-application.ts'
import { startCloud } from '../helpers/local-cloud.ts'
import { agentScript } from '../helpers/program.ts'

const all = [0, 1, 2, 3, 4]
const ready = `console.log('ready'); setInterval(() => {}, 1000)`

test('an application in device-cloud run that ends', async t => {
  const [program, script] = [process.execPath, agentScript()] as const
  const run = (app: EndingApplication, source: string, signal?: NodeJS.Signals) =>
    app.run(program, [script, 'run', app.write('app.mjs', source)], signal)

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    await t.test(
      `${signal}, which nobody listens for: what publish took is on flash, and the end looks as in Node`,
      async t => {
        const app = new EndingApplication(t)
        const ended = await run(app, app.source(ready), signal)
        assert.deepEqual([ended.signal, ended.err], [signal, ''])
        assert.deepEqual(await app.left(), all)
      },
    )

  for (const [how, end, code] of [
    ['process.exit', 'process.exit(3)', 3],
    ['an error that nobody catches', 'setImmediate(() => { throw new Error("mine") })', 1],
    ['a rejection of the library that nobody handles', `client.telemetry.publish('not a name', 1)`, 2],
  ] as const)
    await t.test(`${how}: what publish took is on flash`, async t => {
      const app = new EndingApplication(t)
      const ended = await run(app, app.source(end))
      assert.equal(ended.code, code, ended.err)
      assert.deepEqual(await app.left(), all)
    })

  await t.test(
    'what the application listens for is its own: it is the only listener, and decides how it ends',
    async t => {
      const app = new EndingApplication(t)
      const end = `
      process.on('SIGTERM', () => setTimeout(() => {
        console.log(process.listenerCount('SIGTERM'))
        process.exit(7)
      }, 50))
      await new Promise(done => setImmediate(done))
      ${ready}`
      const ended = await run(app, app.source(end), 'SIGTERM')
      assert.deepEqual([ended.code, ended.out], [7, 'ready\n1\n'])
      assert.deepEqual(await app.left(), all)
    },
  )

  await t.test('a listener that was taken away again leaves the good end', async t => {
    const app = new EndingApplication(t)
    const end = `
      const listener = () => {}
      process.on('SIGTERM', listener)
      await new Promise(done => setImmediate(done))
      process.off('SIGTERM', listener)
      ${ready}`
    assert.equal((await run(app, app.source(end), 'SIGTERM')).signal, 'SIGTERM')
    assert.deepEqual(await app.left(), all)
  })

  await t.test('an application that goes on publishing meanwhile is not said to have failed', async t => {
    const app = new EndingApplication(t)
    const end = `console.log('ready'); for (;;) { await new Promise(setImmediate); await client.telemetry.publish('n', 5) }`
    const ended = await run(app, app.source(end, { durability: 'memory' }), 'SIGTERM')
    assert.deepEqual([ended.signal, ended.err], ['SIGTERM', ''])
  })

  const cloud = await startCloud(t)

  await t.test('with a link the cloud has everything before the end, and nothing is left', async t => {
    const app = new EndingApplication(t)
    const ended = await run(app, app.source(ready, { cloud }), 'SIGTERM')
    assert.equal(ended.signal, 'SIGTERM', ended.err)
    assert.deepEqual(await app.left(), [])
    const { values } = await cloud.ask('cloud.samples', { thingKey: app.thingKey, key: 'n', values: true })
    assert.deepEqual(values, all)
  })

  await t.test('a second signal does not wait for a cloud that does not answer, and loses nothing', async t => {
    const app = new EndingApplication(t)
    await cloud.fault('dropReply', { thingKey: app.thingKey, times: 1000 })
    // Each line brings a signal: the second one comes long before the first has waited for the cloud to the end.
    const end = `
      setInterval(() => console.log('ready'), 100)
      await new Promise(() => {})`
    const source = app.source(end, { cloud, before: `process.on('exit', () => console.log('exit'))` })
    const ended = await run(app, source, 'SIGTERM')
    assert.deepEqual([ended.code, ended.signal], [143, null], ended.err)
    assert.match(ended.out, /exit\n$/)
    assert.deepEqual((await app.left()).slice(0, 5), all)
  })
})
