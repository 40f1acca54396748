// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { buildLibrary } from '../../build/bundle/library.ts'
import { tempDir } from '../helpers/temp-dir.ts'

const checkout = resolve(import.meta.dirname, '../..')

test('the built library stands alone, for import and for require, with its types', async t => {
  const folder = tempDir(t)
  const installed = join(folder, 'node_modules/device-cloud')
  mkdirSync(installed, { recursive: true })
  copyFileSync(join(checkout, 'package.json'), join(installed, 'package.json'))
  await buildLibrary({ folder: join(installed, 'dist') })
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  const node = (name: string) => execFileSync(process.execPath, [name], { cwd: folder, encoding: 'utf8' })

  const offline = `{ offline: true, configDir: ${JSON.stringify(folder)}, settings: { quiet: true } }`
  const use = `
    const client = new Client('app', ${offline})
    client.connect()
      .then(() => client.telemetry.publish('t', 1))
      .then(receipt => receipt.delivered())
      .then(() => client.disconnect())
      .then(() => console.log(AgentError.name, Status.Full))`

  await t.test('an ES module imports it', () => {
    write('app.mjs', `import { AgentError, Client, Status } from 'device-cloud'\n${use}`)
    assert.equal(node('app.mjs'), 'AgentError 7\n')
  })

  await t.test('a CommonJS module requires it', () => {
    write('app.cjs', `const { AgentError, Client, Status } = require('device-cloud')\n${use}`)
    assert.equal(node('app.cjs'), 'AgentError 7\n')
  })

  await t.test('a client in it opens sockets, so that all of the connection is inside', () => {
    const settings = `{ quiet: true, cloud: { host: '127.0.0.1', port: 1, transport: 'mqtts', token: 'none' } }`
    write(
      'online.mjs',
      `import { Client } from 'device-cloud'
      const client = new Client('app', { configDir: ${JSON.stringify(folder)}, settings: ${settings} })
      await client.connect({ timeoutMs: 300 }).catch(error => console.log(error.code, error.cause.code))
      await client.disconnect()`,
    )
    assert.equal(node('online.mjs'), 'TIMEOUT TCP_FAILED\n')
  })

  await t.test(
    'online too it loads no part of Node that it does not use, as the undici that an import of node:http brings',
    () => {
      const looks = ['_http_client', 'internal/deps/undici/undici', 'http2', 'repl', 'inspector']
      const text = `
      const loaded = ${JSON.stringify(looks)}.filter(name => process.moduleLoadList.includes('NativeModule ' + name))
      console.log(loaded.join())`
      write('loaded.mjs', `${readFileSync(join(folder, 'online.mjs'), 'utf8')}${text}`)
      assert.equal(node('loaded.mjs'), 'TIMEOUT TCP_FAILED\n_http_client\n')
    },
  )

  await t.test('DEBUG=* makes none of its packages print keys and messages past the log', async () => {
    const server = createServer(socket => socket.resume()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    const { port } = server.address() as AddressInfo
    const plain = `{ quiet: true, cloud: { host: '127.0.0.1', port: ${port}, transport: 'mqtt', token: 'none' } }`
    write(
      'debug.mjs',
      `import { Client } from 'device-cloud'
      const client = new Client('app', { configDir: ${JSON.stringify(folder)}, settings: ${plain} })
      await client.connect({ timeoutMs: 300 }).catch(error => console.log(error.code))
      await client.disconnect()`,
    )
    const env = { ...process.env, DEBUG: '*' }
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['debug.mjs'], { cwd: folder, env })
    assert.deepEqual([stdout, stderr], ['TIMEOUT\n', ''])
  })

  await t.test('its types are in one file each, import nothing, and hold for both kinds of modules', () => {
    for (const name of ['index.d.ts', 'index.d.cts']) {
      const types = readFileSync(join(installed, 'dist', name), 'utf8')
      assert.doesNotMatch(types, /from ['"]\.|\/\/\/ <reference path|\bany\b;/)
      assert.match(types, /\* Publishes one number\./, 'the sentences for the editor are there')
    }
    const typed = `
      const client = new Client('app', { logger: console })
      const handler: ActionHandler = async ({ params }, { progress, signal }) => {
        await progress(String(params.x))
        return signal.aborted ? Status.Failure : { status: Status.Success, params: { at: new Date() } }
      }
      client.actions.register('a', handler, { parameters: { x: { type: 'integer', required: true } } })
      client.actions.register('b', () => {})
      const receipt: Promise<Receipt> = client.telemetry.publish('t', 1, { timestamp: new Date() })
      client.on('error', error => { const code: ErrorCode = error.code; void code })
      // @ts-expect-error a text is no number
      void client.telemetry.publish('t', '1')
      // @ts-expect-error there is no such event
      client.on('nothing', () => {})
      export { receipt }`
    const names = 'Client, Status, type ActionHandler, type ErrorCode, type Receipt'
    write('typed.mts', `import { ${names} } from 'device-cloud'${typed}`)
    write('typed.cts', `import { ${names} } from 'device-cloud'${typed}`)
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2022',
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      types: ['node'],
      typeRoots: [join(checkout, 'node_modules/@types')],
    }
    write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['typed.mts', 'typed.cts'] }))
    // The native compiler, and the one that most editors still run.
    for (const compiler of ['@typescript/native/bin/tsc', 'typescript/bin/tsc6'])
      execFileSync(process.execPath, [join(checkout, 'node_modules', compiler), '-p', folder], { encoding: 'utf8' })
  })
})
