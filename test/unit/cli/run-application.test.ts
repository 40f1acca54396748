// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { agentScript } from '../../helpers/program.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

/** Runs `device-cloud run` on the files of a new folder. */
function run(t: TestContext, files: Readonly<Record<string, string>>, ...words: readonly string[]) {
  const folder = realpathSync(tempDir(t))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  const { status, stdout, stderr } = spawnSync(process.execPath, [agentScript(), 'run', ...words], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 30_000,
    env: { ...process.env, NODE_OPTIONS: '', NODE_NO_WARNINGS: '1' },
  })
  return { folder, status, out: stdout.trim(), err: stderr }
}

const helper = { 'lib/helper.cjs': 'module.exports = { word: "helped" }', 'data.json': '{"n":7}' }

test('a CommonJS application gets the library, its own files, its words and its own name', t => {
  const app = `
    const { Client, Status, AgentError } = require('device-cloud')
    const { word } = require('./lib/helper.cjs')
    new Client('app', { offline: true })
    console.log(JSON.stringify([typeof Client, Status.Failure, AgentError.name, word, require('./data.json').n,
      require.main === module, process.argv.slice(1), __filename]))
    import('device-cloud').then(library => { process.exitCode = library.Client === Client && library.default.Client === Client ? 7 : 1 })`
  const { folder, status, out, err } = run(t, { ...helper, 'app.js': app }, 'app.js', '--flag', '-c', 'x')
  assert.equal(status, 7, err)
  const path = join(folder, 'app.js')
  assert.deepEqual(JSON.parse(out), [
    'function',
    19,
    'AgentError',
    'helped',
    7,
    true,
    [path, '--flag', '-c', 'x'],
    path,
  ])
})

test('an ESM application: named and default imports, top-level await, import.meta', t => {
  const app = `
    import all, { Client, Status } from 'device-cloud'
    import helper from './lib/helper.cjs'
    const { late } = await import('./late.mjs')
    console.log(JSON.stringify([all.Client === Client, Status.Success, helper.word, late, import.meta.url.split('/').at(-1)]))`
  const late = 'import { Status } from "device-cloud"; export const late = Status.Invoked'
  const { status, out, err } = run(t, { ...helper, 'app.mjs': app, 'late.mjs': late }, 'app.mjs')
  assert.equal(status, 0, err)
  assert.deepEqual(JSON.parse(out), [true, 0, 'helped', 1, 'app.mjs'])
})

test('a .js application is what the nearest package.json says', t => {
  const files = {
    'package.json': '{"type":"module"}',
    'deep/app.js': 'import { Status } from "device-cloud"; console.log(Status.Success, import.meta.url.length > 0)',
    'old/package.json': '{}',
    'old/app.js': 'console.log(typeof require("device-cloud").Client)',
  }
  assert.equal(run(t, files, 'deep/app.js').out, '0 true')
  assert.equal(run(t, files, 'old/app.js').out, 'function')
})

test('an exception of the application is reported as Node does, with its own file and line', t => {
  for (const [name, how] of [
    ['app.cjs', 'throw new Error("mine")'],
    ['app.mjs', 'await 0; throw new Error("mine")'],
    ['late.cjs', 'setTimeout(() => { throw new Error("mine") }, 1)'],
    ['promise.mjs', 'Promise.reject(new Error("mine"))'],
  ] as const) {
    const { status, err } = run(t, { [name]: `// first line\n${how}\n` }, name)
    assert.equal(status, 1, name)
    assert.match(err, /Error: mine/)
    assert.match(err, new RegExp(`${name.replace('.', '\\.')}:2`), name)
    assert.doesNotMatch(err, /A bug in device-cloud/)
  }
})

test('an application that is not there, or is none, is named', t => {
  const missing = run(t, {}, 'app.js')
  assert.equal(missing.status, 1)
  assert.match(missing.err, /There is no application \/.*app\.js/)
  const other = run(t, { 'app.sh': 'echo' }, 'app.sh')
  assert.equal(other.status, 2)
  assert.match(other.err, /must end in \.js, \.cjs or \.mjs/)
  assert.match(run(t, {}).err, /APP is missing/)
})
