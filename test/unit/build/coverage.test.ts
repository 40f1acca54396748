// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { build } from 'esbuild'
import { reachedLines } from '../../../build/coverage/bundled-lines.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

test('a line of a bundled source is reached when one of the processes that ran the bundle ran it', async t => {
  const folder = tempDir(t)
  const source = join(folder, 'source.ts')
  const lines = [
    'type Word = string',
    'export function say(word: Word): void {',
    "  if (word === 'first') {",
    "    console.log('one')",
    "  } else if (word === 'second') {",
    "    console.log('two')",
    '  } else {',
    "    console.log('three')",
    '  }',
    '}',
    'export function never(): void {',
    "  console.log('never')",
    '}',
    'if (process.argv.length > 10) console.log(never)',
    "say(process.argv[2] ?? '')",
  ]
  writeFileSync(source, lines.join('\n'))
  const script = join(folder, 'script.cjs')
  const options = { bundle: true, minify: true, platform: 'node', sourcemap: 'external' } as const
  await build({ ...options, entryPoints: [source], outfile: script })
  const collected = tempDir(t)
  for (const word of ['first', 'second'])
    execFileSync(process.execPath, [script, word], { env: { ...process.env, NODE_V8_COVERAGE: collected } })
  const reached = reachedLines(collected, script, folder).get(source)
  assert.deepEqual(
    [3, 4, 6, 8, 12, 15].map(line => [line, reached?.get(line)]),
    [
      [3, true],
      [4, true],
      [6, true],
      [8, false],
      [12, false],
      [15, true],
    ],
  )
})
