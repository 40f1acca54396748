// SPDX-License-Identifier: Apache-2.0
/** What git knows of the sources that are built. */
import { dirname } from 'node:path'
import { BuildError } from '../build-error.ts'
import { root } from '../places.ts'
import { runProgram } from '../run-program.ts'

/** What the bytes of a build come from; a change elsewhere, as in a test or a document, leaves them as they are. */
const inputs = ['src', 'build', 'targets', 'package.json', 'package-lock.json', 'sea-config.json', 'tsconfig.json']

/** Runs git on the repository whose top is `folder`, never on one that it happens to be unpacked in. Resolves to the output. */
export async function git(args: readonly string[], folder = root): Promise<string> {
  const env = { ...process.env, GIT_CEILING_DIRECTORIES: dirname(folder), GIT_OPTIONAL_LOCKS: '0' }
  return (await runProgram('git', ['-C', folder, ...args], { env })).stdout.trim()
}

/**
 * The commit that is built, in full, with `-dirty` behind it when what goes into a build was changed since.
 * Undefined without git.
 */
export async function builtCommit(folder = root): Promise<string | undefined> {
  try {
    const commit = await git(['rev-parse', '--verify', 'HEAD'], folder)
    return (await changes(inputs, folder)) === '' ? commit : `${commit}-dirty`
  } catch {
    return undefined
  }
}

/** Throws a {@link BuildError} that names what was changed since the commit, of all that goes into a release. Says nothing without git. */
export async function checkCommitted(folder = root): Promise<void> {
  const changed = await changes([...inputs, 'share', 'LICENSE'], folder).catch(() => '')
  if (changed !== '') throw new BuildError(`a signed release is of a commit, and these are changed:\n${changed}`)
}

async function changes(paths: readonly string[], folder: string): Promise<string> {
  return await git(['status', '--porcelain', '--', ...paths], folder)
}
