// SPDX-License-Identifier: Apache-2.0
/** The libraries and the kernel that an executable needs, read from the executable itself. */
import { BuildError, MissingTool } from '../build-error.ts'
import { findProgram, runProgram } from '../run-program.ts'
import type { Target } from '../target.ts'

export interface Requirements {
  /** Shared libraries, without the dynamic linker. */
  readonly libraries: readonly string[]
  readonly linker: string
  /** The newest symbol version that it needs of each library: `GLIBC 2.28`. */
  readonly versions: readonly string[]
  /** The oldest kernel for the C library that it was built with. */
  readonly kernel: string | undefined
}

/** Reads them with readelf of binutils, which reads files for every processor. */
export async function requirementsOf(target: Target, path: string, node: string): Promise<Requirements> {
  if (findProgram('readelf') === undefined) throw new MissingTool(target.name, 'readelf', ['binutils'])
  const read = async (file: string, ...flags: string[]) =>
    (await runProgram('readelf', ['--wide', ...flags, file])).stdout
  // The injector replaces the note about the kernel by the blob, so it is read from the Node binary.
  return parseRequirements(await read(path, '-d', '-V', '-l'), await read(node, '-n'))
}

/** As {@link requirementsOf}, from the output of readelf. */
export function parseRequirements(text: string, notes: string): Requirements {
  const all = (pattern: RegExp) => [...text.matchAll(pattern)].map(([, one = '']) => one)
  const linker = all(/Requesting program interpreter: ([^\]]+)\]/g)[0]
  if (linker === undefined) throw new BuildError('The executable names no dynamic linker.')
  const newest = new Map<string, string>()
  for (const name of all(/Name: ((?:GLIBC|GLIBCXX|CXXABI|GCC)_[\d.]+)/g)) {
    const [family = '', version = ''] = name.split('_')
    if (compare(version, newest.get(family) ?? '0') > 0) newest.set(family, version)
  }
  return {
    libraries: all(/\(NEEDED\)\s+Shared library: \[([^\]]+)\]/g).filter(name => !linker.endsWith(name)),
    linker,
    versions: [...newest].map(([family, version]) => `${family} ${version}`).sort(),
    kernel: /OS: Linux, ABI: ([\d.]+)/.exec(notes)?.[1],
  }
}

function compare(a: string, b: string): number {
  const [left, right] = [a, b].map(version => version.split('.').map(Number))
  for (let at = 0; at < 4; at++) {
    const difference = (left?.[at] ?? 0) - (right?.[at] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
