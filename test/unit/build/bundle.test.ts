import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { bundleAgent, checkInside } from '../../../build/bundle.ts'
import { ledgerOf } from '../../../build/ledger.ts'
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
  assert.doesNotMatch(Buffer.from(bundle.code).toString(), /env\.DEBUG\b/, 'DEBUG=* would print whole messages')
})

test('a file of the local cloud in the bundle stops the build and is named', () => {
  for (const stranger of ['src/cloud/broker.ts', 'src/tour/main.ts', 'test/helpers/temp-dir.ts', 'build/bundle.ts'])
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
