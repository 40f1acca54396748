// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { figuresPage, replaceBlock } from '../../../build/documents/page-block.ts'
import { generatedPages, readGenerated } from '../../../build/documents/readme.ts'
import { sizesAsMarkdown } from '../../../build/documents/size-page.ts'
import { root } from '../../../build/places.ts'
import { documentText } from '../../helpers/proof-tables.ts'
import { assertSameText, changedLines } from '../../helpers/same-text.ts'

for (const page of Object.keys(generatedPages)) {
  test(`the tables of ${page} are those of the code`, async () => {
    const { is, shouldBe } = await readGenerated(page)
    assertSameText(is, shouldBe, page, 'npm run readme')
  })
}

test('README has at most 150 lines', () => {
  const lines = readFileSync(join(root, 'README.md'), 'utf8').trimEnd().split('\n').length
  assert.ok(lines <= 150, `it has ${lines}; what is more belongs into a page of share/`)
})

test('the map of the pages links to each of them', () => {
  const map = documentText('share/README.md')
  const pages = readdirSync(join(root, 'share'), { recursive: true, encoding: 'utf8' })
  assert.ok(pages.includes('tutorial/first-device.md'))
  assert.deepEqual(
    pages.filter(page => page.endsWith('.md') && page !== 'README.md' && !map.includes(`](${page})`)),
    [],
  )
})

test('the glossary is in the order of the alphabet', () => {
  const terms = [...documentText('share/glossary.md').matchAll(/^\*\*(.+)\.\*\*/gm)].map(([, term = '']) => term)
  assert.ok(terms.includes('Thing key') && terms.includes('Operator'))
  assert.deepEqual(
    terms,
    terms.toSorted((one, other) => one.localeCompare(other, 'en')),
  )
})

test('a stale page shows the lines that changed, and no others', () => {
  const lines = Array.from({ length: 300 }, (_, number) => `line ${number}`)
  const stale = lines.toSpliced(100, 1, 'an old line').toSpliced(200, 1)
  const [is, shouldBe] = [stale.join('\n'), lines.join('\n')]
  assert.deepEqual(changedLines(is, shouldBe), ['- an old line', '+ line 100', '+ line 200'])
  assert.deepEqual(changedLines('', lines.join('\n'), 1), ['- ', '… and 300 more lines'])
  assert.doesNotThrow(() => assertSameText(is, is, 'a.md', 'make'))
  assert.throws(() => assertSameText(is, shouldBe, 'a.md', 'make'), {
    message: 'a.md is stale; "make" writes it anew:\n- an old line\n+ line 100\n+ line 200',
  })
})

test('the page of figures has the blocks that bench and build write', () => {
  const text = readFileSync(join(root, figuresPage), 'utf8')
  const sizes = { bareBytes: 1_000_000, rawBytes: 2_000_000, xzBytes: 300_000, squashfsBytes: 400_000, stripped: true }
  const table = sizesAsMarkdown([{ name: 'x64', ...sizes }])
  assert.match(table, /\| x64, Node [\d.]+ \| 1,000,000 \| 2,000,000 \| 300,000 \| 400,000 \|$/)
  assert.ok(replaceBlock(text, 'sizes', table, figuresPage).includes(table))
  assert.ok(replaceBlock(text, 'figures', 'new', figuresPage).includes('<!-- figures -->\nnew\n<!-- /figures -->'))
  assert.throws(() => replaceBlock('', 'sizes', table, 'a.md'), /a\.md has no block "sizes"/)
})
