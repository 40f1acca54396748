// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { EndingApplication } from '../helpers/ending-application.ts'
import { agentScript } from '../helpers/program.ts'

test('what an application in device-cloud run does not catch', async t => {
  const [program, script] = [process.execPath, agentScript()] as const

  async function run(t: TestContext, name: string, source: string, ...flags: string[]) {
    const app = new EndingApplication(t)
    const path = app.write(name, source)
    const { code, err, out } = await app.run(program, [script, 'run', ...flags, path])
    assert.ok(!err.includes('device-cloud.cjs') || flags.length > 0, err)
    assert.ok(err.length < 1500, `${err.length} characters`)
    return { code, err, out, path, folder: app.folder }
  }

  await t.test(
    'an error of the library: message, remedy and exit code of its kind, and only frames of the application',
    async t => {
      const source = `import { Client } from 'device-cloud'
const client = new Client('app', { offline: true })
await client.telemetry.publish('bad name', 1)`
      const { code, err, folder } = await run(t, 'app.mjs', source)
      assert.equal(code, 2)
      assert.match(
        err,
        /^device-cloud: telemetry name may hold only [^\n]*, not "bad name"\.\n {4}at file:.*app\.mjs:3:24\n$/,
      )
      const config = `new (require('device-cloud').Client)('app', { configDir: ${JSON.stringify(join(folder, 'nowhere'))} }).connect()`
      const wrong = await run(t, 'app.cjs', config)
      assert.equal(wrong.code, 3)
      assert.match(wrong.err, /^device-cloud: [^\n]*-connect\.cfg/)
    },
  )

  await t.test('its causes are told, a line each', async t => {
    const settings = `{ quiet: true, cloud: { host: '127.0.0.1', port: 1, transport: 'mqtts', token: 'none' } }`
    const source = `import { Client } from 'device-cloud'
const client = new Client('app', { settings: ${settings} })
client.connect().catch(() => {})
await new Promise(done => client.on('error', done))
await client.connect({ timeoutMs: 1 })`
    const { code, err } = await run(t, 'app.mjs', source)
    assert.equal(code, 4)
    const [first, second, third, frame] = err.split('\n')
    assert.match(first ?? '', /^device-cloud: There was no connection within 1 ms; .* Check cloud\.port and firewalls/)
    assert.match(second ?? '', /^ {2}because: TCP_FAILED: /)
    assert.match(third ?? '', /^ {2}because: .*ECONNREFUSED/)
    assert.match(frame ?? '', /app\.mjs:5/)
  })

  await t.test('causes in a circle are told once, and those of several attempts each', async t => {
    const source = `const { AgentError } = require('device-cloud')
const several = new AggregateError([new Error('first\\u001b[31m'), new Error('second')], 'all failed')
const error = new AgentError('TIMEOUT', 'mine', { cause: several })
several.cause = error
throw error`
    const { code, err } = await run(t, 'app.cjs', source)
    assert.equal(code, 4)
    assert.deepEqual(
      err.split('\n').filter(line => line.includes('because')),
      ['  because: all failed', '  because: first?[31m', '  because: second'],
    )
  })

  await t.test('an error that cannot be looked at is told all the same, as one of the application', async t => {
    const odd = (property: string) =>
      `throw Object.defineProperty(new Error('x'), '${property}', { get() { throw new Error('mine') } })`
    const ours = `const { AgentError } = require('device-cloud')\n`
    for (const source of [
      odd('message'),
      odd('stack'),
      odd('code'),
      `${ours}throw new Proxy(new AgentError('TIMEOUT', 'x'), { get() { throw new Error('mine') } })`,
    ]) {
      const { code, err } = await run(t, 'app.cjs', source)
      assert.equal(code, 1, err)
      assert.match(err, /Uncaught/)
    }
    const { code, err } = await run(
      t,
      'app.cjs',
      `${ours}throw Object.assign(new AgentError('TIMEOUT', ''), { message: 42 })`,
    )
    assert.equal(code, 4)
    assert.match(err, /^device-cloud: 42\. Try again/)
  })

  await t.test('no report holds the token of the application', async t => {
    const client = (app: EndingApplication) => `const { AgentError, Client } = require('device-cloud')
new Client('app', { settings: { quiet: true, cloud: { host: '127.0.0.1', port: 1, transport: 'mqtts', token: 's3cr3t-t0ken' } }, configDir: ${JSON.stringify(app.folder)} }).connect().catch(() => {})
const cause = new Error('with s3cr3t-t0ken')\n`
    for (const [thrown, exitCode] of [
      [`new AgentError('TIMEOUT', 'for s3cr3t-t0ken', { cause })`, 4],
      [`new Error('for s3cr3t-t0ken', { cause })`, 1],
    ] as const) {
      const source = `${client(new EndingApplication(t))}setTimeout(() => { throw ${thrown} }, 500)`
      const { code, err } = await run(t, 'app.cjs', source)
      assert.equal(code, exitCode)
      assert.match(err, /for \[hidden\][\s\S]*with \[hidden\]/)
    }
  })

  await t.test('--trace shows every frame', async t => {
    const source = `new (require('device-cloud').Client)('app', { offline: true }).actions.register('x', 7)`
    const traced = await run(t, 'app.cjs', source, '--trace')
    assert.equal(traced.code, 2)
    assert.match(traced.err, /device-cloud\.cjs:\d+/)
    assert.match(traced.err, /node:internal/)
  })

  await t.test('an error of the application: its line, its frames, its causes', async t => {
    const thrown = `// first\nfunction deep() {\n  throw new Error('mine', { cause: new Error('why') })\n}\ndeep()`
    for (const name of ['app.cjs', 'app.mjs']) {
      const { code, err, path } = await run(t, name, thrown)
      assert.equal(code, 1)
      assert.ok(err.startsWith(`${path}:3\n  throw new Error('mine', { cause: new Error('why') })\n        ^\n`), err)
      assert.match(err, /Uncaught Error: mine\n {4}at deep/)
      assert.match(err, /\[cause\]: Error: why/)
      assert.doesNotMatch(err, /node:internal/)
    }
    const rejected = await run(t, 'app.mjs', `// first\nPromise.reject(new TypeError('mine'))`)
    assert.equal(rejected.code, 1)
    assert.match(rejected.err, /app\.mjs:2\n[\s\S]*Uncaught TypeError: mine/)
  })

  await t.test('what is no error is shown as it is', async t => {
    for (const [source, shown] of [
      [`throw 'a text'`, /Uncaught 'a text'\n/],
      ['throw { a: 1 }', /Uncaught { a: 1 }\n/],
      ['throw undefined', /Uncaught undefined\n/],
      ['Promise.reject(7)', /Uncaught \(in a promise\) 7\n/],
    ] as const) {
      const { code, err } = await run(t, 'app.cjs', source)
      assert.equal(code, 1)
      assert.match(err, shown)
    }
  })

  await t.test('a file that cannot be compiled is shown with the line of the mistake', async t => {
    for (const name of ['app.cjs', 'app.mjs']) {
      const { code, err, path } = await run(t, name, '// first\nconst = 1\n')
      assert.equal(code, 1)
      assert.match(err, /app\.[cm]js:2\nconst = 1\n {6}\^/)
      assert.match(err, /SyntaxError: Unexpected token '='/)
      assert.ok(err.includes(path))
    }
    const missing = await run(t, 'app.mjs', `import 'not-installed'`)
    assert.equal(missing.code, 1)
    assert.match(missing.err, /Cannot find package 'not-installed' imported from .*app\.mjs/)
  })

  await t.test('an application that listens for it is left alone with it', async t => {
    const source = `process.on('uncaughtException', error => { console.log('mine:', error.message); process.exit(9) })
setImmediate(() => { throw new Error('thrown') })`
    const { code, err, out } = await run(t, 'app.cjs', source)
    assert.deepEqual([code, out, err], [9, 'mine: thrown\n', ''])
    const promise = `process.on('unhandledRejection', error => { console.log('mine:', error.message) })
Promise.reject(new Error('rejected'))`
    const { code: goesOn, out: said } = await run(t, 'app.cjs', promise)
    assert.deepEqual([goesOn, said], [0, 'mine: rejected\n'])
    const both = `process.on('unhandledRejection', () => {})\nthrow new Error('thrown')`
    assert.equal((await run(t, 'app.cjs', both)).code, 1)
  })
})
