// SPDX-License-Identifier: Apache-2.0
/**
 * Versions are days of UTC: `26.12.1` is 2026-12-01. They have no leading zeros, which npm
 * refuses [SemVer 2.0.0, 2], and npm's order of versions is that of the days. A second release on a day takes the next day as its
 * version, because npm orders a version with a suffix before the one without.
 */
import { BuildError } from '../build-error.ts'

const dayMs = 86_400_000

/** The version of the UTC day of `epochMs`. */
export function versionOfDay(epochMs: number): string {
  const date = new Date(epochMs)
  return `${date.getUTCFullYear() - 2000}.${date.getUTCMonth() + 1}.${date.getUTCDate()}`
}

/** The first millisecond of the day that `version` names. Throws a {@link BuildError} when `version` is invalid. */
export function dayOfVersion(version: string): number {
  const [, year, month, day] = (/^(\d\d)\.(\d\d?)\.(\d\d?)$/.exec(version) ?? []).map(Number)
  const epochMs = Date.UTC(2000 + (year ?? Number.NaN), (month ?? 0) - 1, day)
  // Refuses the 31st of February and leading zeros, which give another version.
  if (!Number.isNaN(epochMs) && versionOfDay(epochMs) === version) return epochMs
  throw new BuildError(
    `${JSON.stringify(version)} is not a version: it must be a day as YY.M.D without leading zeros, such as 26.12.1.`,
  )
}

/** The version of another release on the day of `version`: the next day. */
export function versionAfter(version: string): string {
  return versionOfDay(dayOfVersion(version) + dayMs)
}

/** Whether npm orders `version` before `other`; both may also be older versions that are not days. */
export function isEarlier(version: string, other: string): boolean {
  const [one, two] = [version, other].map(text => text.split('.').map(Number))
  for (const index of [0, 1, 2]) {
    const [left = 0, right = 0] = [one?.[index], two?.[index]]
    if (left !== right) return left < right
  }
  return false
}
