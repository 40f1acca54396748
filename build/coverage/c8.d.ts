// SPDX-License-Identifier: Apache-2.0
/** The part of c8 that is used here: the package has no types. */
declare module 'c8' {
  export interface FileCoverage {
    /** How often each statement ran. */
    readonly s: Record<string, number>
    readonly statementMap: Readonly<Record<string, { readonly start: { readonly line: number } }>>
  }

  export interface CoverageMap {
    files(): string[]
    fileCoverageFor(path: string): FileCoverage
    getCoverageSummary(): { readonly lines: { readonly pct: number } }
  }

  export class Report {
    constructor(options: {
      readonly all: boolean
      readonly src: readonly string[]
      readonly include: readonly string[]
      readonly exclude: readonly string[]
      readonly extension: readonly string[]
      readonly excludeNodeModules: boolean
      readonly reporter: readonly string[]
      readonly reportsDirectory: string
      readonly tempDirectory: string
      readonly resolve: string
      readonly mergeAsync: boolean
    })
    /** Made once; {@link run} reports what it then holds. */
    getCoverageMapFromAllCoverageFiles(): Promise<CoverageMap>
    run(): Promise<void>
  }
}
