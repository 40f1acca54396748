// SPDX-License-Identifier: Apache-2.0
/** The time of a build is that of its commit, so that two builds of one commit have the same bytes. */
import { BuildError } from '../build-error.ts'
import { builtCommit, git } from './git.ts'

/** SOURCE_DATE_EPOCH, else the time of the commit, in seconds since 1970. Throws a {@link BuildError} when both are missing. */
export async function commitTime(): Promise<number> {
  const given = process.env.SOURCE_DATE_EPOCH
  const text = given ?? (await git(['log', '-1', '--format=%ct']))
  const seconds = Number(text)
  if (Number.isSafeInteger(seconds) && seconds > 0) return seconds
  throw new BuildError(`SOURCE_DATE_EPOCH ${JSON.stringify(text)} is not a time: give seconds since 1970.`)
}

/**
 * The constants that a bundle contains about its build: the commit (null without git), and the UTC day of {@link commitTime}.
 * Without git and SOURCE_DATE_EPOCH there is no day, and the agent uses its own default.
 */
export async function builtDefine(): Promise<Readonly<Record<string, string>>> {
  const commit = { DEVICE_CLOUD_COMMIT: JSON.stringify((await builtCommit()) ?? null) }
  if (process.env.SOURCE_DATE_EPOCH !== undefined) return { ...commit, ...day(await commitTime()) }
  const seconds = await commitTime().catch(() => undefined)
  return seconds === undefined ? commit : { ...commit, ...day(seconds) }
}

function day(seconds: number): Readonly<Record<string, string>> {
  const dayMs = 86_400_000
  return { DEVICE_CLOUD_BUILT_MS: String(Math.floor((seconds * 1000) / dayMs) * dayMs) }
}
