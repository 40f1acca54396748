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

/** Where an update keeps its things below `runtime_dir`, under the names of the Python agent [TR50 7.2]. */
export interface UpdatePlaces {
  /** `.otalock`: the process that updates. */
  readonly lock: string
  readonly downloadFolder: string
  /** `otapackage`: the unpacked package, where scripts run; stays until the next update. */
  readonly packageFolder: string
  /** `otapackage/ota_install.log`: what the scripts say. */
  readonly log: string
  /** `ota`: the journal, and the exit codes of scripts. */
  readonly stateFolder: string
  /** `ota/releases.json`: what was installed. */
  readonly releases: string
  /** `ota/signed.json`: what signed packages have settled, their names and the keys that they revoked. */
  readonly signed: string
  /** `ota/unpacked.json`: what was found right in the package that is unpacked. */
  readonly record: string
  /** `ota/trial.json`: the starts of a new agent; and the lock of who watches it. */
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
 * By what another user can change what an update reads and runs as this one: the runtime folder, and in it the journal, the
 * exit codes of scripts, the record of a trial, the releases, the download and the unpacked package. Nothing when nobody can.
 */
export async function weakUpdatePlaces(places: UpdatePlaces, self: OwnIdentity): Promise<readonly WeakSpot[]> {
  const { stateFolder, downloadFolder, packageFolder, lock } = places
  const spots: WeakSpot[] = []
  for (const path of [dirname(stateFolder), stateFolder, downloadFolder, packageFolder, lock])
    spots.push(...(await weakSpotsOn(path, { self })))
  // Behind a folder that is wrong already, a listing tells nothing that its owner could not change again.
  if (spots.length === 0) spots.push(...(await weakSpotsIn(stateFolder, self)))
  // What others have written there are orders: with another owner they would be obeyed.
  const remedy = `rm -rf ${shellWord(stateFolder)} ${shellWord(packageFolder)}`
  const isState = ({ path }: WeakSpot) => isBelow(stateFolder, path) || isBelow(packageFolder, path)
  return spots.map(spot => (isState(spot) ? { ...spot, remedy } : spot))
}

/** Why an update is not read from there or begun there; undefined when it may. */
export async function whyNotSound(places: UpdatePlaces): Promise<string | undefined> {
  const [first, ...others] = await weakUpdatePlaces(places, await ownIdentity())
  if (first === undefined) return undefined
  const remedy = [first.remedy, ...others.map(spot => spot.remedy)]
  return `another user can change what would run here: ${describeWeakSpots([first])}. Run: ${[...new Set(remedy)].join(' && ')}`
}

/** Why the executable at `path` is not started; undefined when only root and the own user can have put it there. */
export async function whyNotStarted(path: string): Promise<string | undefined> {
  const [first] = await weakSpotsOn(path)
  if (first === undefined) return undefined
  return `another user can change ${path}: ${describeWeakSpots([first])}. Run: ${first.remedy}`
}
