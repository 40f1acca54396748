// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { bundleAgent } from '../../../build/bundle/bundle.ts'
import { buildExecutable } from '../../../build/executable/executable.ts'
import { readTarget } from '../../../build/target.ts'
import { tinyAgent } from '../../helpers/executable.ts'
import { tempDir } from '../../helpers/temp-dir.ts'
import { tinyElf } from '../../helpers/tiny-elf.ts'

/** Builds for x64 with `content` as the builder's own Node. */
async function buildWith(t: TestContext, content: Uint8Array | undefined) {
  const cache = tempDir(t)
  const node = join(cache, 'own-node')
  if (content !== undefined) writeFileSync(node, content)
  const bundle = await bundleAgent(tinyAgent)
  const options = { target: readTarget('x64'), bundle, injector: 'own', unstrippedAllowed: true, cache } as const
  const built = buildExecutable({ ...options, node, report: () => {} })
  return { built, cache }
}

for (const { what, content, message } of [
  { what: 'a file that does not exist', content: undefined, message: /own-node cannot be read: ENOENT/ },
  {
    what: 'a text file',
    content: Buffer.from('hello'),
    message: /own-node is not a Node binary: The file is not an ELF file\./,
  },
  {
    what: 'a 32-bit program',
    content: tinyElf({ bits: 32 }),
    message: /another processor: 32 bits, ELF machine 40; x64/,
  },
  {
    what: 'another program',
    content: tinyElf({ bits: 64, content: 'ls' }),
    message: /not a Node binary, or was built without/,
  },
])
  test(`${what} as the own Node stops the build and leaves nothing behind`, async t => {
    const { built, cache } = await buildWith(t, content)
    await assert.rejects(built, error => {
      assert.ok(error instanceof Error)
      assert.equal(error.name, 'BuildError')
      assert.match(error.message, message)
      return true
    })
    assert.deepEqual(readdirSync(join(cache, 'executables', 'x64')), [])
    assert.equal(existsSync(join(cache, 'build.lock')), false)
  })
