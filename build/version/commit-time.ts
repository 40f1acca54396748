/** The time that a build is of: that of its commit, so that two builds of one commit have the same bytes. */
import { BuildError } from '../build-error.ts'
import { builtCommit, git } from './git.ts'

/** Seconds since 1970 of the commit; SOURCE_DATE_EPOCH where there is no git. Throws a {@link BuildError} when nothing tells. */
export async function commitTime(): Promise<number> {
  const given = process.env.SOURCE_DATE_EPOCH
  const text = given ?? (await git(['log', '-1', '--format=%ct']))
  const seconds = Number(text)
  if (Number.isSafeInteger(seconds) && seconds > 0) return seconds
  throw new BuildError(`SOURCE_DATE_EPOCH ${JSON.stringify(text)} is no time: give seconds since 1970`)
}

/**
 * What tells a bundle of what it was built: the commit, or null without git, and when: the UTC day of {@link commitTime}.
 * Sources without git and without SOURCE_DATE_EPOCH have no date, and the agent falls back to its own.
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
