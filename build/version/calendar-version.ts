// SPDX-License-Identifier: Apache-2.0
/**
 * Versions are days of UTC: `26.12.1` is 2026-12-01. Without leading zeros, as npm takes them [SemVer 2.0.0, 2], and ordered as
 * npm orders them. A second release of a day takes the next day: npm orders a suffix before the day itself.
 */
import { BuildError } from '../build-error.ts'

const dayMs = 86_400_000

/** The version of the UTC day of `epochMs`. */
export function versionOfDay(epochMs: number): string {
  const date = new Date(epochMs)
  return `${date.getUTCFullYear() - 2000}.${date.getUTCMonth() + 1}.${date.getUTCDate()}`
}

/** The first millisecond of the day that `version` names. Throws a {@link BuildError} when it names none. */
export function dayOfVersion(version: string): number {
  const [, year, month, day] = (/^(\d\d)\.(\d\d?)\.(\d\d?)$/.exec(version) ?? []).map(Number)
  const epochMs = Date.UTC(2000 + (year ?? Number.NaN), (month ?? 0) - 1, day)
  // The 31st of February and a leading zero come back as something else.
  if (!Number.isNaN(epochMs) && versionOfDay(epochMs) === version) return epochMs
  throw new BuildError(
    `${JSON.stringify(version)} is no version: it must be a day as YY.M.D without leading zeros, such as 26.12.1`,
  )
}

/** The version for another release on the day of `version`. */
export function versionAfter(version: string): string {
  return versionOfDay(dayOfVersion(version) + dayMs)
}

/** Whether npm takes `version` for an earlier release than `other`; either may also be from before versions were days. */
export function isEarlier(version: string, other: string): boolean {
  const [one, two] = [version, other].map(text => text.split('.').map(Number))
  for (const index of [0, 1, 2]) {
    const [left = 0, right = 0] = [one?.[index], two?.[index]]
    if (left !== right) return left < right
  }
  return false
}
