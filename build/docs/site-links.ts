// SPDX-License-Identifier: Apache-2.0
/** Checks a finished site: every link inside it leads to a file and an anchor that are there, and nothing is loaded from outside. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

/** A line for each link of the pages in `folder` that leads nowhere, and for each thing that a page would fetch. */
export function deadSiteLinks(folder: string): string[] {
  const pages = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.html'))
  const texts = new Map(pages.map(page => [page, readFileSync(join(folder, page), 'utf8')]))
  const anchors = new Map([...texts].map(([page, text]) => [page, new Set(valuesOf(text, 'id'))]))
  return [...texts].flatMap(([page, text]) => [
    ...fetchedFrom(text).map(address => `${page}: fetches ${address}`),
    ...[...new Set([...valuesOf(text, 'href'), ...valuesOf(text, 'src')])].flatMap(target => {
      const why = faultOf(folder, anchors, page, target)
      return why === undefined ? [] : [`${page}: ${target}: ${why}`]
    }),
  ])
}

/** A reader may follow an address out of the site; a page that opens from a folder loads nothing from one. */
function fetchedFrom(text: string): string[] {
  return [...text.matchAll(/<(?!a\s)[a-z]+\s[^>]*(?:href|src)="((?:https?:)?\/\/[^"]*)"/gi)].map(
    ([, address]) => address ?? '',
  )
}

function faultOf(
  folder: string,
  anchors: ReadonlyMap<string, ReadonlySet<string>>,
  page: string,
  target: string,
): string | undefined {
  if (/^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(target)) return undefined
  const [path = '', anchor = ''] = target.split('#', 2).map(decodeURIComponent)
  const found = path === '' ? page : relative(folder, resolve(folder, dirname(page), path))
  if (found.startsWith('..')) return 'leaves the site'
  if (!existsSync(join(folder, found))) return 'there is no such file'
  // No server is assumed that turns the name of a folder into its index.html.
  if (statSync(join(folder, found)).isDirectory()) return 'is a folder'
  const known = anchors.get(found)
  return anchor === '' || known === undefined || known.has(anchor) ? undefined : 'there is no such anchor'
}

function valuesOf(text: string, attribute: string): string[] {
  return [...text.matchAll(new RegExp(`<[a-z][^>]*\\s${attribute}="([^"]*)"`, 'gi'))].map(([, value]) =>
    (value ?? '').replaceAll('&amp;', '&'),
  )
}
