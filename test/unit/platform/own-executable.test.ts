// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { executableOf, ownExecutable } from '../../../src/platform/process/own-executable.ts'
import { fromSource } from '../../helpers/from-source.ts'

/** The words of a single-file executable, as Node gives them: `argv[1]` repeats the one by which it was called. */
const executable = (called: string, execPath = '/opt/device-cloud') =>
  executableOf({ argv: [execPath, called, 'manager'], argv0: called, execPath, execArgv: ['--no-deprecation'] })

test('a single-file executable knows itself, whatever its name and however it was called', () => {
  for (const called of ['/opt/device-cloud', './device-cloud', 'device-cloud', '/usr/bin/link', ''])
    assert.equal(executable(called), '/opt/device-cloud', JSON.stringify(called))
  assert.equal(executable('node-agent', '/opt/node-agent'), '/opt/node-agent')
})

test('Node that runs a script or a line of code is no executable of the agent, whatever its name', () => {
  const execPath = '/opt/iot-runtime'
  const node = (...words: string[]) =>
    executableOf({ argv: [execPath, ...words], argv0: 'iot-runtime', execPath, execArgv: [] })
  assert.equal(node('/srv/app.js', 'manager'), undefined)
  assert.equal(node(), undefined)
  assert.equal(node('-'), undefined)
  assert.equal(ownExecutable(), undefined)
})

test('code that Node runs under the name of an executable is none', () => {
  const path = join(import.meta.dirname, '../../../src/platform/process/own-executable.ts')
  const line = `import(${JSON.stringify(path)}).then(({ ownExecutable }) => console.log(String(ownExecutable())))`
  for (const argv0 of ['device-cloud', '/opt/device-cloud']) {
    const { stdout, stderr } = spawnSync(process.execPath, [...fromSource, '-e', line], { argv0, encoding: 'utf8' })
    assert.equal(stdout, 'undefined\n', stderr)
  }
})

test('code of the command line is no executable, whatever its first argument is', () => {
  const path = join(import.meta.dirname, '../../../src/platform/process/own-executable.ts')
  const line = `import(${JSON.stringify(path)}).then(({ ownExecutable }) => console.log(String(ownExecutable())))`
  for (const option of [['-e', line], [`--eval=${line}`], ['--print', line]]) {
    const args = [...fromSource, ...option, 'node']
    const { stdout, stderr } = spawnSync(process.execPath, args, { argv0: 'node', encoding: 'utf8' })
    assert.match(stdout, /^undefined$/m, stderr)
  }
})
