// SPDX-License-Identifier: Apache-2.0
/** The sizes of the executables for the page of figures: `npm run build -- --target all --sizes --write`. */
import { BuildError } from '../build-error.ts'
import type { Sizes } from '../executable/sizes.ts'
import { readTarget, targetNames } from '../target.ts'
import { figuresPage, markdownTable, writeBlock } from './page-block.ts'

/** Writes the table of sizes; throws when it would have gaps. */
export function writeSizes(rows: readonly Sizes[]): void {
  const missing = targetNames.filter(name => !rows.some(row => row.name === name))
  if (missing.length > 0) throw new BuildError(`--write needs the sizes of all targets; ${missing.join(', ')} missing`)
  writeBlock(figuresPage, 'sizes', sizesAsMarkdown(rows))
}

export function sizesAsMarkdown(rows: readonly Sizes[]): string {
  return markdownTable(['target', 'bare Node, stripped', 'executable', 'xz -6', 'squashfs zstd 256K'], rows.map(cells))
}

function cells({ name, bareBytes, rawBytes, xzBytes, squashfsBytes, stripped }: Sizes): string[] {
  if (!stripped || xzBytes === undefined || squashfsBytes === undefined)
    throw new BuildError(`${name}: --write needs strip, xz and mksquashfs, and --sizes`)
  const target = targetNames.find(one => one === name)
  const node = target === undefined ? '' : `, Node ${readTarget(target).node.version}`
  return [`${name}${node}`, ...[bareBytes, rawBytes, xzBytes, squashfsBytes].map(inThousands)]
}

function inThousands(bytes: number): string {
  return bytes.toLocaleString('en-US')
}
