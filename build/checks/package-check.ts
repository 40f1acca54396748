// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run package:check`: checks that `npm publish` would publish exactly the files that package.json names, built from this
 * commit. npm runs it before it publishes.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BuildError, runAsProgram } from '../build-error.ts'
import { distFolder, root } from '../places.ts'
import { runProgram } from '../run-program.ts'
import { builtCommit } from '../version/git.ts'
import { readVersion } from '../version/read-version.ts'

/** Files that npm adds by itself. */
const addedByNpm = ['package.json', 'README.md', 'LICENSE']
/** The folder of documents, examples and service files, whose files need not be named. */
const documentsFolder = 'share/'

/** The paths in `exports` and `bin` of `manifest`. */
export function namedFiles(manifest: { readonly exports: unknown; readonly bin: unknown }): string[] {
  return [...new Set([...leaves(manifest.exports), ...leaves(manifest.bin)])].map(path => path.replace(/^\.\//, ''))
}

function leaves(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leaves) : []
}

/** One line for each file that is missing in `packed`, and for each that package.json does not name. */
export function packageComplaints(named: readonly string[], packed: readonly string[]): string[] {
  const expected = [...named, ...addedByNpm]
  const missing = expected.filter(path => !packed.includes(path)).map(path => `${path} is missing: npm run build`)
  const unexpected = packed.filter(path => !expected.includes(path) && !path.startsWith(documentsFolder))
  return [...missing, ...unexpected.map(path => `${path} would be published, and package.json does not name it`)]
}

/** The paths in `folder` that `npm publish` would publish. */
export async function packedFiles(folder: string): Promise<string[]> {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts', '--offline']
  const { stdout } = await runProgram('npm', args, { cwd: folder })
  const packages: readonly { files: readonly { path: string }[] }[] = Object.values(JSON.parse(stdout))
  return packages.flatMap(({ files }) => files.map(({ path }) => path))
}

/**
 * Why the built command is not that of `version` and `commit`; empty when it is.
 * @param printed the output of `version --json`
 */
export function staleness(printed: string, version: string, commit: string | undefined): string[] {
  const built: { version?: unknown; commit?: unknown } = JSON.parse(printed)
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
