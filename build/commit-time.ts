/** The time that a build is of: that of its commit, so that two builds of one commit have the same bytes. */
import { BuildError } from './build-error.ts'
import { root } from './places.ts'
import { runProgram } from './run-program.ts'

/** Seconds since 1970 of the commit; SOURCE_DATE_EPOCH where there is no git. Throws a {@link BuildError} when nothing tells. */
export async function commitTime(): Promise<number> {
  const given = process.env.SOURCE_DATE_EPOCH
  const text = given ?? (await runProgram('git', ['-C', root, 'log', '-1', '--format=%ct'])).stdout.trim()
  const seconds = Number(text)
  if (Number.isSafeInteger(seconds) && seconds > 0) return seconds
  throw new BuildError(`SOURCE_DATE_EPOCH ${JSON.stringify(text)} is no time: give seconds since 1970`)
}

/**
 * What tells a bundle when it was built: the UTC day of {@link commitTime}, so that the bytes change once a day at most.
 * Sources without git and without SOURCE_DATE_EPOCH have no date, and the agent falls back to its own.
 */
export async function builtDefine(): Promise<Readonly<Record<string, string>>> {
  if (process.env.SOURCE_DATE_EPOCH !== undefined) return define(await commitTime())
  const seconds = await commitTime().catch(() => undefined)
  return seconds === undefined ? {} : define(seconds)
}

function define(seconds: number): Readonly<Record<string, string>> {
  const dayMs = 86_400_000
  return { DEVICE_CLOUD_BUILT_MS: String(Math.floor((seconds * 1000) / dayMs) * dayMs) }
}
