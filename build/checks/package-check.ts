// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run package:check`: what `npm publish` would publish has all that its package.json names and nothing beside, and was built
 * from this commit. npm runs it before it publishes.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BuildError, runAsProgram } from '../build-error.ts'
import { distFolder, root } from '../places.ts'
import { runProgram } from '../run-program.ts'
import { builtCommit } from '../version/git.ts'
import { readVersion } from '../version/read-version.ts'

/** What npm adds by itself. */
const always = ['package.json', 'README.md', 'LICENSE']
/** Documents, examples and service files: everything that the README links to. */
const freely = 'share/'

/** The paths that `manifest` names: those of `exports`, for each way to load them, and of `bin`. */
export function namedFiles(manifest: { readonly exports: unknown; readonly bin: unknown }): string[] {
  return [...new Set([...leaves(manifest.exports), ...leaves(manifest.bin)])].map(path => path.replace(/^\.\//, ''))
}

function leaves(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leaves) : []
}

/** One line for each file that is missing among `packed`, or that nothing names. */
export function packageComplaints(named: readonly string[], packed: readonly string[]): string[] {
  const wanted = [...named, ...always]
  const missing = wanted.filter(path => !packed.includes(path)).map(path => `${path} is missing: npm run build`)
  const strange = packed.filter(path => !wanted.includes(path) && !path.startsWith(freely))
  return [...missing, ...strange.map(path => `${path} would be published, and nothing names it`)]
}

/** The paths that `npm publish` would take of `folder`. */
export async function packedFiles(folder: string): Promise<string[]> {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts', '--offline']
  const { stdout } = await runProgram('npm', args, { cwd: folder })
  const said: readonly { files: readonly { path: string }[] }[] = Object.values(JSON.parse(stdout))
  return said.flatMap(({ files }) => files.map(({ path }) => path))
}

/** What makes the built command another than that of `version` and `commit`: an old build, or changed sources. */
export function staleness(said: string, version: string, commit: string | undefined): string[] {
  const built: { version?: unknown; commit?: unknown } = JSON.parse(said)
  if (commit === undefined) return ['this is no git repository: publish from a clone']
  if (commit.endsWith('-dirty')) return ['the sources are changed: commit them first']
  if (built.version === version && built.commit === commit) return []
  return [`${distFolder}/ is of ${built.version}, ${built.commit}, and not of ${version}, ${commit}: npm run build`]
}

async function check(): Promise<void> {
  const named = namedFiles(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')))
  const complaints = packageComplaints(named, await packedFiles(root))
  if (complaints.length === 0) {
    const { stdout } = await runProgram(process.execPath, [join(root, distFolder, 'cli.cjs'), 'version', '--json'])
    complaints.push(...staleness(stdout, readVersion(), await builtCommit()))
  }
  if (complaints.length > 0) throw new BuildError(complaints.join('\n       '))
  console.log(`device-cloud ${readVersion()} may be published.`)
}

if (process.argv[1] === import.meta.filename) await runAsProgram(check)
