// SPDX-License-Identifier: Apache-2.0
/** A block of a page that a program writes: what stands between `<!-- NAME -->` and `<!-- /NAME -->`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../places.ts'

/** The page of figures: `npm run bench -- --write` and `npm run build -- --sizes --write` write into it. */
export const figuresPage = 'share/explanation/figures.md'

/**
 * `text` with the content of one block made anew.
 *
 * @param page for the error when there is no such block
 */
export function replaceBlock(text: string, name: string, content: string, page: string): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const start = text.indexOf(open)
  const end = text.indexOf(close)
  if (start < 0 || end < start) throw new Error(`${page} has no block "${name}"`)
  return `${text.slice(0, start + open.length)}\n${content}\n${text.slice(end)}`
}

/** Writes one block of a page; the page is named from the root of the checkout. */
export function writeBlock(page: string, name: string, content: string): void {
  const path = join(root, page)
  writeFileSync(path, replaceBlock(readFileSync(path, 'utf8'), name, content, page))
}

/** A table in Markdown. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map(row => `| ${row.map(escapeCell).join(' | ')} |`).join('\n')
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|')
}
