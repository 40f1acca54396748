import { join } from 'node:path'
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
