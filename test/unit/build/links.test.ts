// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { HeadingAnchors } from '../../../build/docs/heading-anchors.ts'
import { deadMarkdownLinks } from '../../../build/docs/markdown-links.ts'
import { readMarkdown } from '../../../build/docs/markdown-page.ts'
import { findPages, readingOrder, sectionOf, sectionOrder } from '../../../build/docs/pages.ts'
import { deadSiteLinks } from '../../../build/docs/site-links.ts'
import { root } from '../../../build/places.ts'
import { documentText } from '../../helpers/proof-tables.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

function folderOf(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = tempDir(t)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

test('every relative link of the Markdown pages leads to a file, and its anchor to a heading', () => {
  assert.ok(findPages(root).includes('README.md'))
  assert.deepEqual(deadMarkdownLinks(root), [])
})

test('every page has a title and a section of the navigation', () => {
  const untitled = findPages(root).filter(page => readMarkdown(documentText(page)).title === undefined)
  assert.deepEqual(untitled, [])
  for (const page of findPages(root)) assert.ok(sectionOrder.includes(sectionOf(page)), page)
})

test('a dead link is found however it is written', t => {
  const links = [
    '[percent](share/%zz.md)',
    '[percent](share/there.md#%zz)',
    '[two signs](share/there.md#there#more)',
    '[spaces](<share/not there.md>)',
    '[parentheses](share/gone(1).md)',
    "<a href='share/gone.md'>quotes</a>",
  ]
  const folder = folderOf(t, {
    'README.md': ['# First', ...links, '[fine](share/there.md#there), [fine](<share/the re(1).md#there>)'].join('\r\n'),
    'share/there.md': '# There\r\n',
    'share/the re(1).md': '# There\r\n',
  })
  assert.deepEqual(deadMarkdownLinks(folder), [
    'README.md:2: share/%zz.md: a % stands for no character',
    'README.md:3: share/there.md#%zz: a % stands for no character',
    'README.md:4: share/there.md#there#more: there is no such heading',
    'README.md:5: share/not there.md: there is no such file',
    'README.md:6: share/gone(1).md: there is no such file',
    'README.md:7: share/gone.md: there is no such file',
  ])
})

test('a link to a file, a heading or a folder that is not there is dead', t => {
  const folder = folderOf(t, {
    'README.md': [
      '# First',
      '[gone](share/gone.md) and [there](share/there.md)',
      '[no heading](share/there.md#nothing), [heading](share/there.md#a-heading), [own](#first), [not own](#second)',
      '![picture](share/gone.svg)',
      '<img src="share/gone.png" alt=""> <a href="share/there.md">there</a>',
      '[by name][name]',
      '',
      '[name]: share/gone-too.md',
      '[out](../outside.md) [absolute](/share/there.md) [web](https://example.com/x#y) [mail](mailto:a@example.com)',
      '[folder](share) [anchor of a folder](share#nothing)',
    ].join('\n'),
    'share/there.md': '# There\n\n## A *heading*\n\n[back](../README.md#first)\n',
    'node_modules/package/README.md': '[gone](gone.md)',
  })
  assert.deepEqual(deadMarkdownLinks(folder), [
    'README.md:2: share/gone.md: there is no such file',
    'README.md:3: share/there.md#nothing: there is no such heading',
    'README.md:3: #second: there is no such heading',
    'README.md:4: share/gone.svg: there is no such file',
    'README.md:5: share/gone.png: there is no such file',
    'README.md:8: share/gone-too.md: there is no such file',
    'README.md:9: ../outside.md: leaves the repository',
    'README.md:9: /share/there.md: a link is relative to its page',
    'README.md:10: share#nothing: an anchor leads into a page only',
  ])
})

test('what stands in code or in a comment is neither a link nor a heading', () => {
  const text = [
    '# Title',
    '```md',
    '# Not a heading',
    '[not a link](gone.md)',
    '```',
    'A span `[neither](gone.md)`, and ``a [second](`gone.md`)``.',
    '<!-- [nor](gone.md)',
    '## Nor this -->',
    '- ~~~',
    '  [nor this](gone.md)',
    '  ~~~',
    '[a link](there.md "with a title")',
  ].join('\n')
  const { title, anchors, links } = readMarkdown(text)
  assert.equal(title, 'Title')
  assert.deepEqual([...anchors], ['title'])
  assert.deepEqual(links, [{ line: 12, target: 'there.md' }])
})

test('anchors are those that GitHub makes', () => {
  const headings = [
    ['## `cloud.host`, and _more_', 'cloudhost-and-more'],
    ['## What is it? — 100 % of it', 'what-is-it--100--of-it'],
    ['## [A link](there.md) & **bold**', 'a-link--bold'],
    ['### `snake_case` stays', 'snake_case-stays'],
    ['## Größe', 'größe'],
    ['## Größe ##', 'größe-1'],
    ['## 1. First step', '1-first-step'],
  ]
  const { anchors } = readMarkdown(headings.map(([heading]) => heading).join('\n\n'))
  assert.deepEqual(
    [...anchors],
    headings.map(([, anchor]) => anchor),
  )
})

test('a heading that would take the number of another gets the next one', () => {
  const anchors = new HeadingAnchors()
  assert.deepEqual(
    ['Use', 'Use 1', 'Use'].map(heading => anchors.add(heading)),
    ['use', 'use-1', 'use-2'],
  )
})

test('the site has a dead link where a page, an anchor or a file is missing, and fetches nothing', t => {
  const folder = folderOf(t, {
    'index.html':
      '<a href="share/a.html#there">a</a> <a href="share/a.html#gone">b</a> <a href="share/">c</a> <img src="gone.svg">',
    'share/a.html':
      '<h1 id="there"><a href="#there">1</a></h1><a href="../index.html">2</a><a href="../../x.html">3</a>' +
      '<a href="https://example.com/">4</a><script src="https://example.com/x.js"></script><link rel="x" href="//example.com/x.css">',
  })
  assert.deepEqual(deadSiteLinks(folder).sort(), [
    'index.html: gone.svg: there is no such file',
    'index.html: share/: is a folder',
    'index.html: share/a.html#gone: there is no such anchor',
    'share/a.html: ../../x.html: leaves the site',
    'share/a.html: fetches //example.com/x.css',
    'share/a.html: fetches https://example.com/x.js',
  ])
})

test('share/README.md leads to every page of the four kinds, which gives the site its order', () => {
  const order = readingOrder(documentText('share/README.md'))
  const kinds = findPages(root).filter(page => /^share\/(?:tutorial|how-to|reference|explanation)\//.test(page))
  assert.ok(kinds.length > 20, 'the pages are not found')
  const missing = kinds.filter(page => !order.includes(page))
  assert.deepEqual(missing, [], 'pages that share/README.md does not lead to')
  assert.ok(order.indexOf('share/tutorial/first-device.md') < order.indexOf('share/tutorial/first-application.md'))
})
