// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run set-version [-- VERSION | --again]`: sets the version of the next release, by default the day of the commit.
 * `--again` is for another release on the day of the present version; see PUBLISHING.md.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { BuildError, runAsProgram } from '../build-error.ts'
import { root } from '../places.ts'
import { dayOfVersion, isEarlier, versionAfter, versionOfDay } from './calendar-version.ts'
import { commitTime } from './commit-time.ts'
import { git } from './git.ts'
import { readVersion } from './read-version.ts'

/** The files that contain the version, and how many times, counted from their top. Everything else reads package.json. */
export const versionFiles = [
  { path: 'package.json', times: 1 },
  { path: 'package-lock.json', times: 2 },
  { path: 'share/example-ota-packages/self-update/update.json', times: 1 },
] as const

const versionLine = /^( *"version": ")([^"]*)"/gm

/** `text` of a JSON file with its first `times` versions replaced by `version`. */
export function withVersion(text: string, version: string, times: number): string {
  let left = times
  return text.replace(versionLine, (line, before) => (left-- > 0 ? `${before}${version}"` : line))
}

/** The first `times` versions in the text of a JSON file. */
export function versionsIn(text: string, times: number): string[] {
  return [...text.matchAll(versionLine)].slice(0, times).map(([, , version = '']) => version)
}

export interface VersionChoice {
  readonly given?: string | undefined
  readonly again: boolean
  /** The version in package.json. */
  readonly present: string
  /** The time of the commit. */
  readonly commitMs: number
  /** Whether this version has been released. */
  isReleased(version: string): boolean
}

/** The version of the next release. Throws a {@link BuildError} when it must not be released. */
export function chooseVersion({ given, again, present, commitMs, isReleased }: VersionChoice): string {
  if (given !== undefined && again) throw new BuildError('Give a version or --again, not both.')
  const version = again ? versionAfter(present) : (given ?? versionOfDay(commitMs))
  dayOfVersion(version)
  const remedy = 'For another release on a day, use npm run set-version -- --again.'
  if (isEarlier(version, present))
    throw new BuildError(`${version} is earlier than ${present} in package.json. ${remedy}`)
  if (isReleased(version))
    throw new BuildError(`Version ${version} has been released: there is the tag v${version}. ${remedy}`)
  return version
}

async function setVersion(): Promise<void> {
  const { values, positionals } = parse()
  if (positionals.length > 1) throw new BuildError('Give one version only.')
  const tags = new Set((await git(['tag', '--list', 'v*']).catch(() => '')).split('\n'))
  const version = chooseVersion({
    given: positionals[0],
    again: values.again ?? false,
    present: readVersion(),
    // A given version does not need the commit, and thus not git.
    commitMs: positionals.length === 0 ? (await commitTime()) * 1000 : 0,
    isReleased: version => tags.has(`v${version}`),
  })
  for (const { path, times } of versionFiles) {
    const place = join(root, path)
    await writeFile(place, withVersion(await readFile(place, 'utf8'), version, times))
  }
  console.log(version)
}

function parse() {
  try {
    return parseArgs({ allowPositionals: true, options: { again: { type: 'boolean' } } })
  } catch (error) {
    throw new BuildError(error instanceof Error ? error.message : String(error))
  }
}

if (process.argv[1] === import.meta.filename) await runAsProgram(setVersion)
