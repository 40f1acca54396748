// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { EndingApplication } from './ending-application.ts'

const fork = `
import { fork } from 'node:child_process'
const child = fork('./child.mjs', ['x', '--flag'])
child.on('message', message => { console.log(JSON.stringify(message)); child.send('bye') })
child.on('exit', code => console.log(code))`
const forked = `
import { Client } from 'device-cloud'
process.send([typeof Client, ...process.argv.slice(2)])
process.on('message', () => process.exit(9))`
const cluster = `
const cluster = require('node:cluster')
const { Client } = require('device-cloud')
if (cluster.isPrimary) cluster.fork().on('message', message => console.log(message)).on('exit', code => console.log(code))
else process.send(typeof Client, () => process.exit(4))`
const workers = `
import { Worker } from 'node:worker_threads'
for (const name of ['plain.mjs', 'asks.mjs', 'asks.cjs']) {
  const worker = new Worker(new URL(name, import.meta.url), { workerData: 5 })
  worker.on('message', message => console.log(message))
  worker.on('error', error => console.log(error.code, error.message))
  await new Promise(done => worker.on('exit', done))
}`

/** Shows what the application of a `device-cloud` can start, by whatever program that is. */
export async function childrenOf(t: TestContext, program: string, words: readonly string[]): Promise<void> {
  const run = (app: EndingApplication, path: string) => app.run(program, [...words, 'run', path])

  await t.test('fork() and cluster start a process that has the library, its words and its channel', async t => {
    const app = new EndingApplication(t)
    app.write('child.mjs', forked)
    assert.deepEqual(await run(app, app.write('app.mjs', fork)), {
      code: 0,
      signal: null,
      out: '["function","x","--flag"]\n9\n',
      err: '',
    })
    const { out, err } = await run(app, app.write('app.cjs', cluster))
    assert.deepEqual([out, err], ['function\n4\n', ''])
  })

  await t.test('a worker thread runs, and one that asks for the library is told where it is', async t => {
    const app = new EndingApplication(t)
    app.write(
      'plain.mjs',
      `import { parentPort, workerData } from 'node:worker_threads'\nparentPort.postMessage(workerData)`,
    )
    app.write('asks.mjs', `import { Client } from 'device-cloud'`)
    app.write('asks.cjs', `require('device-cloud')`)
    const { code, out, err } = await run(app, app.write('app.mjs', workers))
    assert.deepEqual([code, err], [0, ''])
    const [plain, module, common] = out.split('\n')
    assert.equal(plain, '5')
    for (const told of [module, common])
      assert.match(
        told ?? '',
        /MODULE_NOT_FOUND The library device-cloud is not available in a worker thread\. .*fork\(\)/,
      )
  })
}
