// SPDX-License-Identifier: Apache-2.0
/** The fenced blocks of a page in Markdown. */

export interface PageBlock {
  /** What stands behind the fence: `sh`, `text`, `json`. */
  readonly language: string
  readonly content: string
}

/** All of them, in order. */
export function blocksOf(page: string): PageBlock[] {
  return [...page.matchAll(/^( *)```(\w*)\n([\s\S]*?)^\1```$/gm)].map(
    ([, indent = '', language = '', content = '']) => ({
      language,
      content: content.replace(new RegExp(`^${indent}`, 'gm'), ''),
    }),
  )
}

/** The part of a page from a heading to the next one of its kind or above. */
export function sectionOf(page: string, heading: string): string {
  const start = page.indexOf(`${heading}\n`)
  if (start < 0) throw new Error(`there is no heading "${heading}"`)
  const depth = /^#+/.exec(heading)?.[0].length ?? 1
  const rest = page.slice(start + heading.length)
  const end = rest.search(new RegExp(`^#{1,${depth}} `, 'm'))
  return end < 0 ? rest : rest.slice(0, end)
}
