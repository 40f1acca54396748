// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { bundleAgent, checkInside } from '../../../build/bundle/bundle.ts'
import { ledgerOf } from '../../../build/documents/ledger.ts'
import { root } from '../../../build/places.ts'
import { builtCommit } from '../../../build/version/git.ts'
import { readVersion } from '../../../build/version/read-version.ts'
import { tinyAgent } from '../../helpers/executable.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

test('the bundle is one CommonJS script, the same each time', async () => {
  const [first, second] = [await bundleAgent(tinyAgent), await bundleAgent(tinyAgent)]
  assert.deepEqual(first.code, second.code)
  const text = Buffer.from(first.code).toString()
  assert.match(text, /require\("node:inspector"\)/)
  assert.doesNotMatch(text, /\bimport\b/)
})

test('the agent holds nothing of the local cloud, the tour, the tests or the build, and loads only Node', async () => {
  const bundle = await bundleAgent()
  const inputs = Object.keys(bundle.metafile.inputs)
  assert.ok(inputs.includes('src/main.ts'))
  checkInside(inputs)
  assert.ok(ledgerOf(bundle).packages.some(({ name }) => name === 'mqtt-packet'))
  const text = Buffer.from(bundle.code).toString()
  assert.doesNotMatch(text, /env\.DEBUG\b/, 'DEBUG=* would print whole messages')
  // One stands in a string, for the application that `run` starts.
  const imports = text.match(/\bimport\(/g) ?? []
  assert.equal(imports.length, 1, 'Node 20.11 refuses import() inside an executable')
})

test('an error in a bundle is shown by its own name, not by that of a class that was shortened', async t => {
  const entry = join(tempDir(t), 'errors.ts')
  writeFileSync(entry, `export { AgentError } from '${join(root, 'src/base/errors.ts')}'`)
  const { code } = await bundleAgent(entry)
  const made = { exports: {} as { AgentError?: new (code: string, text: string) => Error } }
  new Function('module', 'exports', 'require', Buffer.from(code).toString())(made, made.exports, createRequire(root))
  assert.ok(made.exports.AgentError)
  assert.match(inspect(new made.exports.AgentError('CLOSED', 'It is over.')), /^AgentError: It is over\.\n/)
})

test('a bundle knows its commit, and of package.json the version alone', async t => {
  const entry = join(tempDir(t), 'facts.ts')
  writeFileSync(entry, `export { buildFacts } from '${join(root, 'src/manager/build-facts.ts')}'`)
  const { code } = await bundleAgent(entry)
  const text = Buffer.from(code).toString()
  assert.doesNotMatch(text, /ependencies|Apache/)
  const made = { exports: {} as { buildFacts?: () => unknown } }
  new Function('module', 'exports', 'require', text)(made, made.exports, createRequire(root))
  const commit = (await builtCommit()) ?? null
  const facts = { version: readVersion(), commit, target: 'package', node: process.versions.node }
  assert.deepEqual(made.exports.buildFacts?.(), facts)
})

test('a bundle believes no clock that is more than a day behind its commit', async t => {
  const entry = join(tempDir(t), 'clock.ts')
  writeFileSync(entry, `export { earliestSetClockMs } from '${join(root, 'src/base/clock.ts')}'`)
  const before = process.env.SOURCE_DATE_EPOCH
  t.after(() => {
    if (before === undefined) delete process.env.SOURCE_DATE_EPOCH
    else process.env.SOURCE_DATE_EPOCH = before
  })
  const earliestOf = async (date: string) => {
    process.env.SOURCE_DATE_EPOCH = String(Date.parse(date) / 1000)
    const { code } = await bundleAgent(entry)
    const module = { exports: {} as { earliestSetClockMs?: number } }
    new Function('module', 'exports', 'require', Buffer.from(code).toString())(module, module.exports, () => ({}))
    return new Date(module.exports.earliestSetClockMs ?? Number.NaN).toISOString()
  }
  assert.equal(await earliestOf('2031-05-06T07:08:09Z'), '2031-05-05T00:00:00.000Z')
  assert.equal(await earliestOf('2031-05-06T23:59:59Z'), '2031-05-05T00:00:00.000Z', 'the same bytes all day')
  process.env.SOURCE_DATE_EPOCH = 'yesterday'
  await assert.rejects(bundleAgent(entry), /SOURCE_DATE_EPOCH "yesterday" is not a time/)
})

test('a file of the local cloud in the bundle stops the build and is named', () => {
  for (const stranger of [
    'src/cloud/mqtt/broker.ts',
    'src/tour/main.ts',
    'test/helpers/temp-dir.ts',
    'build/bundle/bundle.ts',
  ])
    assert.throws(() => checkInside(['src/main.ts', stranger]), new RegExp(`must not contain ${stranger}`))
})

test('what cannot be resolved stops the build with its place', async t => {
  const entry = join(tempDir(t), 'broken.ts')
  writeFileSync(entry, "import './missing.ts'")
  await assert.rejects(bundleAgent(entry), /broken\.ts:1.*missing\.ts/s)
})

test('a warning of the bundler stops the build', async t => {
  const entry = join(tempDir(t), 'careless.ts')
  writeFileSync(entry, 'console.log(-0 === -0, [] === [])\nexport const x = typeof x === "nonsense"')
  await assert.rejects(bundleAgent(entry), /warnings/)
})
