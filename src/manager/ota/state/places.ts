// SPDX-License-Identifier: Apache-2.0
import { dirname, join } from 'node:path'
import { isBelow } from '../../../platform/files/contained-path.ts'
import { type OwnIdentity, ownIdentity } from '../../../platform/owners/own-identity.ts'
import {
  describeWeakSpots,
  shellWord,
  type WeakSpot,
  weakSpotsIn,
  weakSpotsOn,
} from '../../../platform/owners/weak-spots.ts'
import { scriptLogName } from '../package/index.ts'

/** The files and folders of an update below `runtime_dir`, under the names of the Python agent [TR50 7.2]. */
export interface UpdatePlaces {
  /** `.otalock`: the process that updates. */
  readonly lock: string
  readonly downloadFolder: string
  /** `otapackage`: the unpacked package, where scripts run; stays until the next update. */
  readonly packageFolder: string
  /** `otapackage/ota_install.log`: the output of the scripts. */
  readonly log: string
  /** `ota`: the journal, and the exit codes of scripts. */
  readonly stateFolder: string
  /** `ota/releases.json`: what was installed. */
  readonly releases: string
  /** `ota/signed.json`: the names of signed packages that were installed, and the keys that they revoked. */
  readonly signed: string
  /** `ota/unpacked.json`: metadata and listing of the unpacked package, as they were accepted. */
  readonly record: string
  /** `ota/trial.json`: the starts of a new agent; and the lock of the process that watches it. */
  readonly trial: string
  readonly trialLock: string
  /** Where the script of a step leaves its exit code. */
  exitFile(step: string): string
}

export function updatePlaces(runtimeDir: string): UpdatePlaces {
  const packageFolder = join(runtimeDir, 'otapackage')
  const stateFolder = join(runtimeDir, 'ota')
  return {
    lock: join(runtimeDir, '.otalock'),
    downloadFolder: join(runtimeDir, 'download'),
    packageFolder,
    log: join(packageFolder, scriptLogName),
    stateFolder,
    releases: join(stateFolder, 'releases.json'),
    signed: join(stateFolder, 'signed.json'),
    record: join(stateFolder, 'unpacked.json'),
    trial: join(stateFolder, 'trial.json'),
    trialLock: join(stateFolder, 'trial.lock'),
    exitFile: step => join(stateFolder, `exit-${step}`),
  }
}

/**
 * The places at which another user could change what an update reads and runs as this one: the runtime folder, and in it the
 * journal, the exit codes of scripts, the record of trial runs, the releases, the download and the unpacked package.
 */
export async function weakUpdatePlaces(places: UpdatePlaces, self: OwnIdentity): Promise<readonly WeakSpot[]> {
  const { stateFolder, downloadFolder, packageFolder, lock } = places
  const spots: WeakSpot[] = []
  for (const path of [dirname(stateFolder), stateFolder, downloadFolder, packageFolder, lock])
    spots.push(...(await weakSpotsOn(path, { self })))
  // Below a folder that is weak already, a listing proves nothing: the other user can change it again.
  if (spots.length === 0) spots.push(...(await weakSpotsIn(stateFolder, self)))
  // Removed instead of given another owner: files that others wrote there would be obeyed.
  const remedy = `rm -rf ${shellWord(stateFolder)} ${shellWord(packageFolder)}`
  const isState = ({ path }: WeakSpot) => isBelow(stateFolder, path) || isBelow(packageFolder, path)
  return spots.map(spot => (isState(spot) ? { ...spot, remedy } : spot))
}

/** Why no update is read from there or begun there; undefined when that is safe. */
export async function whyNotSound(places: UpdatePlaces): Promise<string | undefined> {
  const [first, ...others] = await weakUpdatePlaces(places, await ownIdentity())
  if (first === undefined) return undefined
  const remedy = [first.remedy, ...others.map(spot => spot.remedy)]
  return `another user can change what would run here: ${describeWeakSpots([first])}. Run: ${[...new Set(remedy)].join(' && ')}`
}

/** Why the executable at `path` is not started; undefined when only root or this user can have put it there. */
export async function whyNotStarted(path: string): Promise<string | undefined> {
  const [first] = await weakSpotsOn(path)
  if (first === undefined) return undefined
  return `another user can change ${path}: ${describeWeakSpots([first])}. Run: ${first.remedy}`
}
