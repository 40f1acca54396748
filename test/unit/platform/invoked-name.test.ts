// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { scriptCommand } from '../../../src/platform/process/own-executable.ts'

test('a remedy names a command that works in the way in which the program was started', () => {
  const here = process.cwd()
  assert.equal(scriptCommand(join(here, 'src/main.ts')), 'npx tsx src/main.ts', 'the source of a checkout')
  assert.equal(scriptCommand(join(here, '../src/main.ts')), 'npx tsx ../src/main.ts', 'from a folder below it')
  assert.equal(scriptCommand(join(here, 'dist/cli.cjs')), 'node dist/cli.cjs', 'a checkout that was built')
  assert.equal(scriptCommand('/app/node_modules/.bin/device-cloud'), 'npx device-cloud', 'the package')
  assert.equal(scriptCommand('/app/node_modules/device-cloud/dist/cli.cjs'), 'npx device-cloud')
  assert.equal(scriptCommand('/usr/local/bin/device-cloud'), 'device-cloud', 'the package, for the whole machine')
  assert.equal(
    scriptCommand('/app/main.mjs'),
    'npx device-cloud',
    'an application that has the library from the package',
  )
})
