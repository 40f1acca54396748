// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  addHeaders,
  filesWithHeader,
  hasHeader,
  licence,
  withHeader,
  withoutHeader,
} from '../../../build/checks/spdx.ts'
import { root } from '../../../build/places.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const slashes = '// SPDX-License-Identifier: Apache-2.0'
const hash = '# SPDX-License-Identifier: Apache-2.0'

/** A tree with these files beside one with its header in each folder. */
function treeOf(t: TestContext, files: Readonly<Record<string, string>>): string {
  const top = tempDir(t)
  const fine = Object.fromEntries(['src', 'build', 'test', 'share', 'targets'].map(name => [`${name}/a.ts`, slashes]))
  for (const [path, text] of Object.entries({ ...fine, ...files })) {
    mkdirSync(dirname(join(top, path)), { recursive: true })
    writeFileSync(join(top, path), text)
  }
  return top
}

test('the header is the first line, or the second below #!', () => {
  for (const [path, before, after] of [
    ['a.ts', 'export {}\n', `${slashes}\nexport {}\n`],
    ['a.ts', '', `${slashes}\n`],
    ['a.mjs', '#!/usr/bin/env node\nx()\n', `#!/usr/bin/env node\n${slashes}\nx()\n`],
    ['a.cjs', '/** Why. */\n', `${slashes}\n/** Why. */\n`],
    ['page.js', 'x()', `${slashes}\nx()`],
    ['a.sh', '#!/bin/sh\nset -e\n', `#!/bin/sh\n${hash}\nset -e\n`],
    ['a.sh', '# Says.\n', `${hash}\n# Says.\n`],
    ['.ci/run', '#!/usr/bin/env bash\n', `#!/usr/bin/env bash\n${hash}\n`],
    ['a.sh', '#!/bin/sh', `#!/bin/sh\n${hash}\n`],
    ['a.ts', 'x()\r\ny()\r\n', `${slashes}\r\nx()\r\ny()\r\n`],
    ['a.mjs', '#!/usr/bin/env node\r\nx()\r\n', `#!/usr/bin/env node\r\n${slashes}\r\nx()\r\n`],
  ] as const) {
    assert.ok(!hasHeader(path, before), path)
    assert.equal(withHeader(path, before), after)
    assert.ok(hasHeader(path, after), path)
    assert.equal(withHeader(path, after), after, 'once is enough')
  }
})

test('a header of another licence, of another form or in another place is left to a person', () => {
  for (const text of ['// SPDX-License-Identifier: MIT\n', `\n${slashes}\n`, `${hash}\n`, `${slashes} OR MIT\n`])
    assert.throws(() => withHeader('src/a.ts', text), /src\/a\.ts has ".*SPDX.*it must be \/\/ SPDX/, text)
})

test('headers are added in every folder and kind of source, and modes stay; fixtures, tables and service files are exempt', t => {
  const bare = {
    'src/cli/deep/b.ts': 'export {}\n',
    'src/cloud/page.js': 'x()\n',
    'build/c.sh': 'true\n',
    'test/helpers/d.cts': 'x()\n',
    'share/examples/e.mjs': 'x()\n',
    'share/examples/f.cjs': 'x()\n',
    '.githooks/pre-commit': '#!/bin/sh\n',
  }
  const exempt = {
    'test/fixtures/build/g.ts': 'x()\n',
    'src/cloud/page.html': '<p>',
    'targets/x64.json': '{}',
    'share/service/device-cloud.init': '#!/bin/sh\n',
    'elsewhere/h.ts': 'x()\n',
  }
  const top = treeOf(t, { ...bare, ...exempt })
  chmodSync(join(top, 'build/c.sh'), 0o755)
  assert.deepEqual(withoutHeader(top), Object.keys(bare).sort())
  assert.deepEqual(addHeaders(top), Object.keys(bare).sort())
  assert.deepEqual(withoutHeader(top), [])
  for (const [path, text] of Object.entries(exempt)) assert.equal(readFileSync(join(top, path), 'utf8'), text)
  assert.equal(statSync(join(top, 'build/c.sh')).mode & 0o777, 0o755)
})

test('a file that is not UTF-8 keeps its bytes', t => {
  const top = treeOf(t, {})
  const bytes = Buffer.from([0x2f, 0x2f, 0x20, 0xfc, 0xff, 0x0a])
  writeFileSync(join(top, 'src/latin.js'), bytes)
  addHeaders(top)
  assert.deepEqual(readFileSync(join(top, 'src/latin.js')), Buffer.concat([Buffer.from(`${slashes}\n`), bytes]))
})

test('nothing is written when one file needs a person', t => {
  const top = treeOf(t, { 'src/b.ts': 'export {}\n', 'src/z.ts': '// SPDX-License-Identifier: MIT\n' })
  assert.throws(() => addHeaders(top), /src\/z\.ts/)
  assert.equal(readFileSync(join(top, 'src/b.ts'), 'utf8'), 'export {}\n')
})

test('the licence is that of package.json, and the sources of this project are looked at', () => {
  assert.equal(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).license, licence)
  const files = filesWithHeader()
  const some = [
    '.ci/run',
    'build/release/preflight.sh',
    'share/examples/actions.cjs',
    'src/cloud/http/console/page.js',
    'src/main.ts',
  ]
  for (const path of some) assert.ok(files.includes(path), path)
  assert.ok(!files.some(path => path.includes('node_modules') || path.includes('/fixtures/')))
})
