// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { ensureFolder } from '../../platform/files/folders.ts'
import { removeFolder } from '../../platform/held/remove-tree.ts'
import { changeMode, changeOwner } from '../../platform/owners/owners.ts'
import { assertOnlyRootChanges } from './root-config.ts'
import { RootResults } from './root-results.ts'

/** The files that root keeps for its steps, in a folder that root alone can change. */
export interface RootPlaces {
  /** The process that does a step. */
  readonly lock: string
  /** Copies of packages, for root alone. */
  readonly packages: string
  /** Journal, scripts and releases of root's own installations: what `runtime_dir` is to a manager. */
  readonly installDir: string
  readonly results: RootResults
}

/**
 * Makes what is missing in the folder.
 *
 * @param groupId of the manager's user, which may read the results
 * @throws AgentError `POLICY_REFUSED` when users other than root can change it; `FILE_ACCESS`, `DISK_FULL`
 */
export async function prepareRootPlaces(workDir: string, groupId: number): Promise<RootPlaces> {
  await ensureFolder(workDir, 0o755)
  await assertOnlyRootChanges(workDir)
  const places = rootPlaces(workDir)
  await ensureFolder(places.installDir, 0o700)
  await ensureFolder(places.results.path, 0o750)
  // Files that are made in it get its group. The change of the owner may clear the bit.
  await changeOwner(places.results.path, { userId: 0, groupId })
  await changeMode(places.results.path, 0o2750)
  return places
}

export function rootPlaces(workDir: string): RootPlaces {
  const installDir = join(workDir, 'install')
  return {
    lock: join(workDir, 'step.lock'),
    packages: join(installDir, 'package'),
    installDir,
    results: new RootResults(workDir),
  }
}

/** An empty folder for the copy of one package. */
export async function emptyPackages({ packages }: RootPlaces): Promise<void> {
  await removeFolder(packages)
  await ensureFolder(packages, 0o700)
}
