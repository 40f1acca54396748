// SPDX-License-Identifier: Apache-2.0
import { basename, dirname, join } from 'node:path'
import { realPath } from '../../../platform/files/contained-path.ts'
import type { ProtectedPlaces } from './protected-places.ts'

/** {@link ProtectedPlaces} for the walk of a path: by their names, and where links led when the settings were read. */
export interface OwnPaths {
  readonly places: ProtectedPlaces
  readonly trees: ReadonlySet<string>
  readonly flats: ReadonlySet<string>
  readonly files: ReadonlySet<string>
  /** By their names only: the place where a link of such a name leads is not opened. */
  readonly open: ReadonlySet<string>
}

export async function resolveOwnPaths(places: ProtectedPlaces): Promise<OwnPaths> {
  const open = new Set<string>()
  for (const path of places.open) open.add(join(await realPathOf(dirname(path)), basename(path)))
  const { trees, flats, files } = places
  return { places, trees: await bothWays(trees), flats: await bothWays(flats), files: await bothWays(files), open }
}

async function bothWays(paths: readonly string[]): Promise<ReadonlySet<string>> {
  const both = new Set(paths)
  for (const path of paths) both.add(await realPathOf(path))
  return both
}

/** The path without links; unchanged where it leads nowhere. */
function realPathOf(path: string): Promise<string> {
  return realPath(path).catch(() => path)
}
