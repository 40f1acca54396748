// SPDX-License-Identifier: Apache-2.0
/** Checks that every relative link of the Markdown pages leads to a file, and its anchor to a heading. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { type MarkdownLink, type MarkdownPage, readMarkdown } from './markdown-page.ts'
import { findPages } from './pages.ts'

/** A line for each link that leads nowhere: `share/tls.md:12: queue.md#sizes: there is no such heading`. */
export function deadMarkdownLinks(root: string): string[] {
  const pages = new Map(findPages(root).map(page => [page, readMarkdown(readFileSync(join(root, page), 'utf8'))]))
  return [...pages].flatMap(([page, { links }]) =>
    links.flatMap(link => {
      const why = faultOf(root, pages, page, link)
      return why === undefined ? [] : [`${page}:${link.line}: ${link.target}: ${why}`]
    }),
  )
}

function faultOf(
  root: string,
  pages: ReadonlyMap<string, MarkdownPage>,
  page: string,
  { target }: MarkdownLink,
): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return undefined
  if (target.startsWith('/') || target.startsWith('\\')) return 'a link is relative to its page'
  const parts = partsOf(target)
  if (parts === undefined) return 'a % stands for no character'
  const { path, anchor } = parts
  const found = path === '' ? page : relative(root, resolve(root, dirname(page), path))
  if (found.startsWith('..')) return 'leaves the repository'
  if (!existsSync(join(root, found))) return 'there is no such file'
  if (anchor === undefined) return undefined
  // GitHub shows the README of a folder below its files.
  const read = pages.get(statSync(join(root, found)).isDirectory() ? join(found, 'README.md') : found)
  if (read === undefined) return 'an anchor leads into a page only'
  return read.anchors.has(anchor) ? undefined : 'there is no such heading'
}

/** The decoded parts of a link around its first `#`; undefined when it cannot be decoded. */
function partsOf(target: string): { readonly path: string; readonly anchor: string | undefined } | undefined {
  const [path = '', ...rest] = target.split('#')
  try {
    return {
      path: decodeURIComponent(path),
      anchor: rest.length === 0 ? undefined : decodeURIComponent(rest.join('#')),
    }
  } catch {
    return undefined
  }
}
