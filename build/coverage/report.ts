// SPDX-License-Identifier: Apache-2.0
/** Makes the report of what was reached: that of c8, which knows the processes that ran the sources, and of those that ran bundles. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type FileCoverage, Report } from 'c8'
import { programsOf, testPrograms } from '../bundle/test-programs.ts'
import { distFolder, root } from '../places.ts'
import { reachedLines } from './bundled-lines.ts'

/** Writes the pages into `reports` from what Node wrote to `collected`. Resolves to the reached part of the lines, in percent. */
export async function reportCoverage(collected: string, reports: string): Promise<number> {
  const report = new Report({
    all: true,
    src: [join(root, 'src')],
    include: ['src/**/*.ts'],
    exclude: [`${distFolder}/**`],
    extension: ['.ts'],
    excludeNodeModules: true,
    reporter: ['html', 'text-summary'],
    reportsDirectory: reports,
    tempDirectory: collected,
    resolve: '',
    mergeAsync: true,
  })
  const map = await report.getCoverageMapFromAllCoverageFiles()
  const known = new Set(map.files())
  const programs = programsOf(collected)
  for (const [script, sourcesFolder] of [
    [testPrograms.agent, root],
    [testPrograms.cloud, programs],
  ] as const) {
    for (const [source, lines] of reachedLines(collected, join(programs, script), sourcesFolder)) {
      if (!known.has(source)) continue
      addLines(map.fileCoverageFor(source), lines, readFileSync(source, 'utf8').split('\n'))
    }
  }
  await report.run()
  return map.getCoverageSummary().lines.pct
}

/** A comment, the end of a block, nothing: such a line goes with the one before it. Code that the bundle left out does not. */
const withoutCode = /^[\s)\]},;]*(?:\/\/.*|\/\*.*|\*.*)?$/

/** c8 has a statement for each line, in their order. */
function addLines({ s, statementMap }: FileCoverage, ran: ReadonlyMap<number, boolean>, text: readonly string[]): void {
  let reached = false
  for (const [statement, { start }] of Object.entries(statementMap)) {
    reached = ran.get(start.line) ?? (reached && withoutCode.test(text[start.line - 1] ?? ''))
    if (reached) s[statement] = (s[statement] ?? 0) + 1
  }
}
