// SPDX-License-Identifier: Apache-2.0
import { isJsonObject, type JsonObject, parseJson } from '../../../base/json.ts'

/** The oldest and the newest version that a build speaks; it speaks all between as well. */
export interface TrialVersions {
  readonly least: number
  readonly most: number
}

/**
 * The protocol between an old agent and the new one in its trial run: arguments, environment, journal, exit codes.
 *
 *  1: The old one starts the new one beside itself with the arguments of `manager` and `DEVICE_CLOUD_ON_TRIAL=1`; when stdin
 *     ends, the new one must end. It takes up the journal at `restart` or `health`, and ends when it has written another step
 *     there: `adopt` when it has succeeded. Then the old one puts it in place.
 *  2: As 1, and the new one reports its versions in answer to `--version --json`; the journal and the environment name the
 *     version that both speak.
 *
 * A build that reports none speaks version 1.
 */
export const trialVersions: TrialVersions = { least: 1, most: 2 }
const unsaid: TrialVersions = { least: 1, most: 1 }

/** The newest version that this build and the other one speak; undefined when there is none. */
export function agreedVersion(other: TrialVersions, own: TrialVersions = trialVersions): number | undefined {
  const version = Math.min(own.most, other.most)
  return version >= Math.max(own.least, other.least) ? version : undefined
}

/** Whether this build speaks a version; an absent one is the first. */
export function speaks(version: number | undefined): boolean {
  return agreedVersion({ least: version ?? 1, most: version ?? 1 }) !== undefined
}

/** The answer to `--version --json`. */
export function aboutBuild(version: string): JsonObject {
  return { version, trial: { ...trialVersions } }
}

/** The versions in the answer to `--version --json`; a build from before it answers with its version alone. */
export function versionsSaid(output: string): TrialVersions {
  const said = parseJson(output)
  if (!isJsonObject(said) || !isJsonObject(said.trial)) return unsaid
  const { least, most } = said.trial
  return isVersion(least) && isVersion(most) && least <= most ? { least, most } : unsaid
}

/** `2`, or `1 to 2`. */
export function versionsText({ least, most }: TrialVersions): string {
  return least === most ? `version ${least}` : `versions ${least} to ${most}`
}

function isVersion(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}
