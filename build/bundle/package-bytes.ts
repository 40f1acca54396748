// SPDX-License-Identifier: Apache-2.0
import type { Bundle } from './bundle.ts'

/** How many bytes of each package are in a bundle, by the folder of the package relative to the checkout. */
export function packageBytes({ metafile }: Pick<Bundle, 'metafile'>): ReadonlyMap<string, number> {
  const bytesOf = new Map<string, number>()
  for (const output of Object.values(metafile.outputs))
    for (const [input, { bytesInOutput }] of Object.entries(output.inputs)) {
      const folder = packageFolder(input)
      if (folder !== undefined && bytesInOutput > 0) bytesOf.set(folder, (bytesOf.get(folder) ?? 0) + bytesInOutput)
    }
  return bytesOf
}

/** The folder of the package that `input` belongs to: the innermost node_modules/NAME or node_modules/@SCOPE/NAME. */
function packageFolder(input: string): string | undefined {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0]
}
