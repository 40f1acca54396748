// SPDX-License-Identifier: Apache-2.0
/**
 * Which lines of the sources were reached by processes that ran them bundled into one script.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eachMapping, TraceMap } from '@jridgewell/trace-mapping'

interface Range {
  readonly startOffset: number
  readonly endOffset: number
  readonly count: number
}

/** What Node writes for each process, as far as it is read here. */
interface ProcessCoverage {
  readonly result?: readonly {
    readonly url: string
    readonly functions: readonly { readonly ranges: readonly Range[] }[]
  }[]
}

/** Source → its lines with code, from 1 → whether any of that code ran. */
export type ReachedLines = ReadonlyMap<string, ReadonlyMap<number, boolean>>

/** What the processes that ran `script` reached; their coverage is in `folder`. */
export function reachedLines(folder: string, script: string, sourcesFolder: string): ReachedLines {
  const code = readFileSync(script, 'utf8')
  const reached = new Uint8Array(code.length)
  for (const name of readdirSync(folder).filter(name => name.endsWith('.json'))) {
    const { result = [] }: ProcessCoverage = JSON.parse(readFileSync(join(folder, name), 'utf8'))
    for (const { url, functions } of result) {
      if (url.startsWith('file:') && fileURLToPath(url) === script)
        markReached(
          reached,
          functions.flatMap(({ ranges }) => ranges),
        )
    }
  }
  return linesOf(code, reached, readFileSync(`${script}.map`, 'utf8'), sourcesFolder)
}

/** Ranges lie in each other, and the innermost holds. */
function markReached(reached: Uint8Array, ranges: readonly Range[]): void {
  const outerFirst = ranges.toSorted((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset)
  const ran = new Uint8Array(reached.length)
  for (const { startOffset, endOffset, count } of outerFirst) ran.fill(count > 0 ? 1 : 0, startOffset, endOffset)
  for (const [offset, value] of ran.entries()) if (value === 1) reached[offset] = 1
}

function linesOf(code: string, reached: Uint8Array, map: string, sourcesFolder: string): ReachedLines {
  const lineStarts = [0, ...[...code.matchAll(/\n/g)].map(({ index }) => index + 1)]
  const sources = new Map<string, Map<number, boolean>>()
  eachMapping(new TraceMap(map), ({ source, originalLine, generatedLine, generatedColumn }) => {
    if (source === null || originalLine === null) return
    const path = resolve(sourcesFolder, source)
    const lines = sources.get(path) ?? new Map<number, boolean>()
    sources.set(path, lines)
    const ran = reached[(lineStarts[generatedLine - 1] ?? 0) + generatedColumn] === 1
    lines.set(originalLine, ran || lines.get(originalLine) === true)
  })
  return sources
}
