// SPDX-License-Identifier: Apache-2.0
/** The page about the protocol, taken apart: headings, tables and examples. */
import { documentText } from './proof-tables.ts'

export const pagePath = 'share/reference/tr50.md'

/** What stands between one heading and the next. */
export interface Section {
  /** What a tag names: the text of the heading up to its first colon. */
  readonly name: string
  /** The cells of each table: the rows below its head. */
  readonly tables: readonly { readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] }[]
  readonly text: string
}

/** An exchange that the page shows: a topic, and what is said on it. */
export interface Example {
  readonly topic: string
  readonly payload: string
}

const text = documentText(pagePath)

export const sections: readonly Section[] = text
  .split(/^#{1,6} /m)
  .slice(1)
  .map(part => {
    const [heading = '', ...lines] = part.split('\n')
    const name = heading.split(':')[0]?.trim() ?? ''
    return { name, tables: tablesOf(lines), text: lines.join('\n') }
  })

export const examples: readonly Example[] = [...text.matchAll(/^```json\n([^`]*)^```$/gm)]
  .flatMap(([, block = '']) => block.trim().split('\n'))
  .map(line => {
    const space = line.indexOf(' ')
    return { topic: line.slice(0, space), payload: line.slice(space + 1) }
  })

/** Everything that the page writes as code. */
export const codeWords: readonly string[] = [...text.matchAll(/`([^`\n]+)`/g)].map(([, word = '']) => word)

/** The section that a tag names. */
export function sectionNamed(name: string): Section | undefined {
  return sections.find(section => section.name.toLowerCase() === name.toLowerCase())
}

/** Names in the first column of those tables of a section whose head begins with `head`, in order. */
export function firstColumn(section: Section | undefined, head: string): readonly (readonly string[])[] {
  return (section?.tables ?? []).filter(table => table.head[0] === head).flatMap(table => table.rows)
}

/** The words of a cell that are written as code. */
export function namesIn(cell = ''): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
}

function tablesOf(lines: readonly string[]): Section['tables'] {
  const tables: { head: readonly string[]; rows: (readonly string[])[] }[] = []
  let isInside = false
  for (const line of lines) {
    const cells = line.startsWith('|') ? cellsOf(line) : undefined
    if (cells === undefined) isInside = false
    else if (!isInside) {
      tables.push({ head: cells, rows: [] })
      isInside = true
    } else if (!/^[|\s-]+$/.test(line)) tables.at(-1)?.rows.push(cells)
  }
  return tables
}

function cellsOf(line: string): readonly string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map(cell => cell.trim())
}
