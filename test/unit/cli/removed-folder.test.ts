// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { runCli } from '../../../src/cli/cli.ts'
import { commandEntries } from '../../../src/cli/commands.ts'
import { memoryTerminal } from '../../helpers/memory-terminal.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

/** From now on this process works in a folder that was removed. */
function inRemovedFolder(t: TestContext): void {
  const before = process.cwd()
  const folder = join(tempDir(t), 'gone')
  mkdirSync(folder)
  process.chdir(folder)
  t.after(() => process.chdir(before))
  rmdirSync(folder)
}

/** Each command with what it must be given at least, relative to the current folder. */
const words: Readonly<Record<string, readonly string[]>> = {
  run: ['app.js'],
  'config generate': ['-c', 'cloud.example.test', '-p', '8883', '-t', 'Device-Token-0815'],
  'publish telemetry': ['a', '1'],
  'publish attribute': ['a', '1'],
  'publish alarm': ['a', '1'],
  'publish event': ['text'],
  'publish location': ['1', '2'],
  upload: ['file'],
  download: ['file', 'here'],
  'relay end': ['session'],
  'ota pack': ['folder'],
  'ota verify': ['p.tar.gz'],
  'ota install': ['p.tar.gz'],
  'ota keygen': ['key'],
}
/** These ask for nothing that is in the current folder. */
const elsewhere = ['root-step', 'service install', 'service uninstall', 'validate', 'version']

test('no command takes a current folder that was removed for a bug: each says what to do', async t => {
  // Loaded before: the loader of the tests itself looks at the current folder.
  for (const { load } of commandEntries) await load()
  inRemovedFolder(t)
  for (const { name } of commandEntries) {
    if (elsewhere.includes(name)) continue
    const terminal = memoryTerminal()
    const code = await runCli([...name.split(' '), ...(words[name] ?? [])], terminal)
    assert.equal(code, 1, `${name}: ${terminal.errText()}`)
    assert.match(
      terminal.errText(),
      /The current folder of this process does not exist any more\. Change to a folder/,
      name,
    )
  }
})

test('with every path from / on, a removed current folder is no matter', async t => {
  const configDir = tempDir(t)
  inRemovedFolder(t)
  process.env.DEVICE_CLOUD_CA_BUNDLE_FILE = '/nowhere/ca.pem'
  t.after(() => delete process.env.DEVICE_CLOUD_CA_BUNDLE_FILE)
  for (const [code, line] of [
    [4, ['status', '-c', configDir]],
    [4, ['upload', '/etc/hostname', '-c', configDir]],
    [3, ['config', 'check', '-c', configDir]],
    [3, ['manager', '-c', configDir]],
  ] as const) {
    const terminal = memoryTerminal()
    assert.equal(await runCli(line, terminal), code, `${line.join(' ')}: ${terminal.errText()}`)
    assert.doesNotMatch(terminal.errText(), /current folder/)
  }
})
