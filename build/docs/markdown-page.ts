// SPDX-License-Identifier: Apache-2.0
/** What a Markdown page holds, as far as the site and the check of links need it: its title, its anchors, its links. */
import { HeadingAnchors } from './heading-anchors.ts'

export interface MarkdownLink {
  readonly line: number
  /** As written: a path, an anchor, a path with an anchor, or an address. */
  readonly target: string
}

export interface MarkdownPage {
  /** The first heading. */
  readonly title: string | undefined
  readonly anchors: ReadonlySet<string>
  readonly links: readonly MarkdownLink[]
}

/** Reads a page in GitHub's Markdown. Code, fenced or between backticks, has no links and no headings. */
export function readMarkdown(text: string): MarkdownPage {
  const headings = new HeadingAnchors()
  const anchors = new Set<string>()
  const links: MarkdownLink[] = []
  let title: string | undefined
  for (const [index, line] of proseLines(text).entries()) {
    const heading = /^ {0,3}#{1,6}[ \t]+(.*?)[ \t]*#*$/.exec(line)?.[1]
    if (heading !== undefined) {
      title ??= plainText(heading)
      anchors.add(headings.add(plainText(heading)))
    }
    for (const [, id] of line.matchAll(/<[a-z][^>]*\s(?:id|name)="([^"]+)"/gi)) if (id !== undefined) anchors.add(id)
    for (const target of targetsOf(line)) links.push({ line: index + 1, target })
  }
  return { title, anchors, links }
}

/** The lines of `text`; those of fenced code and of comments are empty, so that the numbers of the others stay. */
function proseLines(text: string): string[] {
  const withoutComments = text.replace(/<!--[\s\S]*?-->/g, comment => comment.replace(/[^\n]/g, ''))
  let fence: string | undefined
  return withoutComments.split(/\r?\n/).map(line => {
    const mark = /^\s*(?:>\s*)*(?:[-*+]\s+|\d+\.\s+)?(`{3,}|~{3,})/.exec(line)?.[1]
    if (fence === undefined) {
      fence = mark
      return mark === undefined ? line : ''
    }
    if (mark?.startsWith(fence) === true) fence = undefined
    return ''
  })
}

const codeSpan = /(`+)(?!`)(.*?)(?<!`)\1(?!`)/g

function* targetsOf(line: string): Generator<string> {
  const prose = line.replace(codeSpan, span => ' '.repeat(span.length))
  // [text](target "title"), ![text](target), and [text](<target with spaces>).
  for (const [, inBrackets, target = inBrackets] of prose.matchAll(
    /\]\(\s*(?:<([^<>]*)>|((?:[^\s()<>]|\([^\s()]*\))+))(?:\s+["'(][^)]*)?\s*\)/g,
  ))
    if (target !== undefined) yield target
  const definition = /^ {0,3}\[[^\]]+\]:\s*<?([^\s<>]+)>?/.exec(prose)?.[1]
  if (definition !== undefined) yield definition
  for (const [, , target] of prose.matchAll(/<[a-z][^>]*\s(?:href|src)=(["'])(.*?)\1/gi))
    if (target !== undefined) yield target
}

/** A heading's text as a reader sees it: a link is its text, and what is between backticks stays as it is. */
function plainText(heading: string): string {
  const codes: string[] = []
  const prose = heading.replace(codeSpan, (_span, _ticks, code: string) => `\uE000${codes.push(code.trim()) - 1}\uE000`)
  return prose
    .replace(/!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])/g, '$1')
    .replace(/<[^>]+>/g, '')
    .replace(/\*+/g, '')
    .replace(/(?<![\p{L}\p{N}])_+|_+(?![\p{L}\p{N}])/gu, '')
    .replace(/\\([!-/:-@[-`{-~])/g, '$1')
    .replace(/\uE000(\d+)\uE000/g, (_mark, index: string) => codes[Number(index)] ?? '')
    .trim()
}
