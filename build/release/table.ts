// SPDX-License-Identifier: Apache-2.0
/** The table of sizes and requirements in a release. */

import type { TargetName } from '../target.ts'
import type { Requirements } from './requirements.ts'

export interface ReleaseRow {
  readonly target: TargetName
  /** Version of the Node inside. */
  readonly node: string
  readonly executableBytes: number
  readonly archiveBytes: number
  readonly requirements: Requirements
}

/** The processor of each target, as a data sheet names it. */
const processors: Readonly<Record<TargetName, string>> = {
  x64: 'x86-64',
  arm64: 'ARMv8, 64 bits (Cortex-A53 and later)',
  armv7: 'ARMv7, hard-float, VFPv3 (Cortex-A7, A8, A9 and later)',
}

/** The memory of the smallest supported machine, and the budget for the idle manager. Neither is a measurement. */
const memory: Readonly<Record<TargetName, { readonly machineMb: number; readonly ownMb: number }>> = {
  x64: { machineMb: 128, ownMb: 18 },
  arm64: { machineMb: 128, ownMb: 18 },
  armv7: { machineMb: 64, ownMb: 10 },
}

export function releaseTable(version: string, rows: readonly ReleaseRow[]): string {
  const lines: (readonly [string, (row: ReleaseRow) => string])[] = [
    ['processor', ({ target }) => processors[target]],
    ['archive', ({ archiveBytes }) => megabytes(archiveBytes)],
    ['flash for the executable', ({ executableBytes }) => megabytes(executableBytes)],
    ['RAM of the device, planned for', ({ target }) => `${memory[target].machineMb} MB`],
    ['RAM of its own when idle, budget', ({ target }) => `${memory[target].ownMb} MB`],
    ['libraries', ({ requirements }) => requirements.libraries.join(', ')],
    ['newest symbols asked for', ({ requirements }) => requirements.versions.join(', ')],
    ['dynamic linker', ({ requirements }) => requirements.linker],
    ['kernel, at least', ({ requirements }) => requirements.kernel ?? 'not said'],
    ['Node inside', ({ node }) => node],
  ]
  const header = ['', ...rows.map(({ target }) => target)]
  const body = lines.map(([name, cell]) => [name, ...rows.map(cell)])
  const table = [header, header.map(() => '---'), ...body].map(cells => `| ${cells.join(' | ')} |`).join('\n')
  return `# device-cloud ${version}: sizes and requirements

MB are 1,000,000 bytes. The kernel is what the C library inside was built for; tried are 5.10 and later.
Everything but the executable is optional on the device. On squashfs it takes about a third (share/how-to/little-flash.md).

${table}
`
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
