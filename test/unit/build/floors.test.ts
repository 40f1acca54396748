// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { findBreaches } from '../../../build/checks/floors.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

/** The breaches of a source folder with these files, as `file: what`. */
function breachesOf(t: TestContext, files: Record<string, string>): string[] {
  const source = tempDir(t)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(source, name)), { recursive: true })
    writeFileSync(join(source, name), text)
  }
  return findBreaches(source).map(({ file, what }) => `${file}: ${what}`)
}

test('the source of this project keeps to its floors', () => {
  assert.deepEqual(findBreaches(resolve(import.meta.dirname, '../../../src')), [])
})

test('imports of lower floors and of the own folder are fine', t => {
  const text =
    "import { a } from '../base/a.ts'\nimport type { B } from './b.ts'\nexport { c } from '../platform/c.ts'\n"
  assert.deepEqual(breachesOf(t, { 'connection/link.ts': text }), [])
  assert.deepEqual(breachesOf(t, { 'index.ts': "export { Client } from './client/client.ts'" }), [])
})

test('an import of a higher floor is a breach, in every form', t => {
  for (const text of [
    "import { Client } from '../client/client.ts'",
    "import type { Client } from '../client/client.ts'",
    "import {\n  Client,\n} from '../client/client.ts'",
    "export { Client } from '../client/client.ts'",
    "const { Client } = await import('../client/client.ts')",
    "import '../client/client.ts'",
    'import { Client } from "../client/client.ts"',
    "import*as client from'../client/client.ts'",
    "import{Client}from'../client/client.ts'",
    "export*from'../client/client.ts'",
    "export * as client from '../client/client.ts'",
    "export { Client as 'a client' } from '../client/client.ts'",
    "const a = 1; import { Client } from '../client/client.ts'",
    "/* Why. */ import { Client } from '../client/client.ts'",
    "import {\n  Client, // it's needed\n} from '../client/client.ts'",
    "import /* 'a' */ { Client } from // b\n '../client/client.ts'",
    "import client = require('../client/client.ts')",
    "const { Client } = require('../client/client.ts')",
    "const { Client } = createRequire(import.meta.url)('../client/client.ts')",
    "const { Client } = await import(/* Why. */ '../client/client.ts')",
    'const { Client } = await import(`../client/client.ts`)',
    "type C = import('../client/client.ts').Client",
    "type C = typeof import('../client/client.ts')",
    '/// <reference path="../client/client.ts" />',
  ])
    assert.deepEqual(
      breachesOf(t, { 'outbox/outbox.ts': text }),
      ['outbox/outbox.ts: imports ../client/client.ts'],
      text,
    )
})

test('what only looks like an import is none', t => {
  for (const text of [
    "// import { Client } from '../client/client.ts'",
    "/*\nimport { Client } from '../client/client.ts'\n*/",
    "const text = `\nimport { Client } from '../client/client.ts'`",
  ])
    assert.deepEqual(breachesOf(t, { 'outbox/outbox.ts': text }), [], text)
})

test('an import by a computed path, by another name of the file or of a folder is a breach', t => {
  for (const text of [
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the source that is checked has the template
    'import(`../${name}/client.ts`)',
    "import('../base/' + name)",
    'require(path)',
    "import { a } from '/srv/client.ts'",
    "import { a } from 'file:///srv/client.ts'",
    "import { Client } from 'device-cloud'",
    "import { a } from '#client'",
    "import { a } from '../base'",
    "import { a } from '../base/'",
    "import { a } from '..'",
  ])
    assert.equal(breachesOf(t, { 'outbox/outbox.ts': text }).length, 1, text)
})

test('services are strangers to each other', t => {
  const found = breachesOf(t, {
    'services/alarms.ts': "import { x } from './events.ts'",
    'services/files/upload.ts': "import { x } from './download.ts'",
    'services/actions/run.ts': "import { x } from '../files/upload.ts'",
  })
  assert.deepEqual(found.toSorted(), [
    'services/actions/run.ts: imports ../files/upload.ts',
    'services/alarms.ts: imports ./events.ts',
  ])
})

test('the agent and the local cloud do not import each other', t => {
  const found = breachesOf(t, {
    'cloud/broker.ts': "import { crc32 } from '../base/crc32.ts'",
    'manager/manager.ts': "import { broker } from '../cloud/broker.ts'",
  })
  assert.equal(found.length, 2)
})

test('only the platform touches the system', t => {
  for (const name of ['node:fs', 'fs', 'node:fs/promises', 'node:os', 'node:child_process'])
    assert.deepEqual(breachesOf(t, { 'config/load.ts': `import x from '${name}'` }), [
      `config/load.ts: imports ${name}`,
    ])
  for (const text of ["require('fs')", "process.getBuiltinModule('fs')"])
    assert.deepEqual(breachesOf(t, { 'config/load.ts': text }), ['config/load.ts: imports fs'], text)
  assert.deepEqual(breachesOf(t, { 'platform/files.ts': "import { open } from 'node:fs/promises'" }), [])
})

test('time, chance and the environment come in from outside', t => {
  for (const text of ['Date.now()', 'new Date()', 'Math.random()', 'setTimeout(f, 1)', 'process.env.HOME'])
    assert.equal(breachesOf(t, { 'services/alarms.ts': `const x = ${text}` }).length, 1, text)
  for (const text of [
    'new Date',
    'Date()',
    'Date.now',
    "'http://host', Date.now()",
    'process.hrtime()',
    "process['env']",
    'setTimeout (f, 1)',
  ])
    assert.equal(breachesOf(t, { 'services/alarms.ts': `const x = [${text}]` }).length, 1, text)
  for (const text of ["import { env } from 'node:process'", 'const { env } = process'])
    assert.equal(breachesOf(t, { 'services/alarms.ts': text }).length, 1, text)
  assert.deepEqual(breachesOf(t, { 'services/alarms.ts': 'const x = new Date(0)' }), [])
  assert.equal(breachesOf(t, { 'outbox/a.ts': "import { setTimeout as wait } from 'node:timers/promises'" }).length, 1)
  assert.deepEqual(breachesOf(t, { 'services/alarms.ts': '// never Date.now()\n/* nor\n Math.random() */' }), [])
  assert.deepEqual(
    breachesOf(t, { 'base/clock.ts': 'const x = Date.now()', 'platform/time.ts': 'setTimeout(f, 1)' }),
    [],
  )
})

test('a file that leaves src/ is a breach', t => {
  assert.deepEqual(breachesOf(t, { 'base/a.ts': "import x from '../../build/x.ts'" }), [
    'base/a.ts: imports ../../build/x.ts',
  ])
})

test('rooms of one floor are strangers to each other, and may use the files around them', t => {
  const files = (text: string) => ({ 'client/publish/send.ts': text, 'config/sources/file.ts': text })
  assert.deepEqual(breachesOf(t, files("import { x } from '../flags.ts'")), [])
  assert.deepEqual(breachesOf(t, files("import { x } from '../checks/network.ts'")), [
    'client/publish/send.ts: imports ../checks/network.ts',
    'config/sources/file.ts: imports ../checks/network.ts',
  ])
})

test('where rooms stand on each other, a room imports only those below it, and nothing of what wires it', t => {
  const breaches = (file: string, imported: string) =>
    breachesOf(t, { [file]: `import { x } from '${imported}'` }).length > 0
  assert.equal(breaches('platform/store/store-folder.ts', '../files/folders.ts'), false)
  assert.equal(breaches('platform/files/folders.ts', '../store/store-folder.ts'), true)
  assert.equal(breaches('manager/root/root-side.ts', '../ota/index.ts'), false)
  assert.equal(breaches('manager/ota/updates.ts', '../root/index.ts'), true)
  assert.equal(breaches('manager/ota/updates.ts', '../manager.ts'), true)
  assert.equal(breaches('cli/commands/check.ts', '../checks/run-checks.ts'), false)
  assert.equal(breaches('cli/diag/manager-parts.ts', '../commands/check.ts'), true)
  assert.equal(breaches('cli/shell/help.ts', '../commands.ts'), true)
  assert.equal(breaches('manager/ota/updates.ts', '../unheard-of/index.ts'), true)
  assert.equal(breaches('manager/ota/trial/trial.ts', '../state/index.ts'), false)
  assert.equal(breaches('manager/ota/package/manifest.ts', '../state/index.ts'), true)
  assert.equal(breaches('manager/ota/package/manifest.ts', '../updates.ts'), true)
  assert.equal(breaches('manager/ota/package/manifest.ts', '../../actions/index.ts'), false)
  assert.equal(breaches('cloud/mqtt/broker.ts', '../store/state.ts'), false)
  assert.equal(breaches('cloud/store/state.ts', '../mqtt/broker.ts'), true)
  assert.equal(breaches('cloud/commands/all.ts', '../cloud.ts'), true)
  assert.equal(breaches('cloud/cloud.ts', './mqtt/broker.ts'), false)
})

test('a room of the device manager is entered by its door, from its floor and from above', t => {
  const breaches = (file: string, imported: string) =>
    breachesOf(t, { [file]: `import { x } from '${imported}'` }).length > 0
  for (const [file, room] of [
    ['manager/manager.ts', './ota'],
    ['manager/root/root-side.ts', '../ota'],
    ['cli/commands/ota-verify.ts', '../../manager/ota'],
  ] as const) {
    assert.equal(breaches(file, `${room}/index.ts`), false)
    assert.equal(breaches(file, `${room}/commands.ts`), false)
    assert.equal(breaches(file, `${room}/updates.ts`), true)
    assert.equal(breaches(file, `${room}/package/index.ts`), true)
    assert.equal(breaches(file, `${room}/trial/../updates.ts`), true)
    assert.equal(breaches(file, room), true)
  }
  assert.equal(breaches('manager/ota/updates.ts', './package/index.ts'), false)
  assert.equal(breaches('manager/ota/updates.ts', './package/manifest.ts'), true)
  assert.equal(breaches('cli/manager-process/manager-process.ts', '../../manager/manager.ts'), false)
})

test('package.json is read in one place, for the version', t => {
  const found = breachesOf(t, {
    'base/version.ts': "import manifest from '../../package.json' with { type: 'json' }",
    'cli/help.ts': "import manifest from '../../package.json' with { type: 'json' }",
    'manager/lock.ts': "import lock from '../../package-lock.json' with { type: 'json' }",
  })
  assert.deepEqual(found.toSorted(), [
    'cli/help.ts: imports ../../package.json',
    'manager/lock.ts: imports ../../package-lock.json',
  ])
})
