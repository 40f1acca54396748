// SPDX-License-Identifier: Apache-2.0
/** Asks git for the commit and the changes of the sources. */
import { dirname } from 'node:path'
import { BuildError } from '../build-error.ts'
import { root } from '../places.ts'
import { runProgram } from '../run-program.ts'

/** The inputs of a build. A change elsewhere, as in a test or a document, does not change the bytes of the build. */
const inputs = ['src', 'build', 'targets', 'package.json', 'package-lock.json', 'sea-config.json', 'tsconfig.json']

/** Runs git in the repository whose top is `folder`, never in a repository around it. Resolves to the output. */
export async function git(args: readonly string[], folder = root): Promise<string> {
  const env = { ...process.env, GIT_CEILING_DIRECTORIES: dirname(folder), GIT_OPTIONAL_LOCKS: '0' }
  return (await runProgram('git', ['-C', folder, ...args], { env })).stdout.trim()
}

/**
 * The full id of the commit, followed by `-dirty` when an input of the build has changed since. Undefined without git.
 */
export async function builtCommit(folder = root): Promise<string | undefined> {
  try {
    const commit = await git(['rev-parse', '--verify', 'HEAD'], folder)
    return (await changes(inputs, folder)) === '' ? commit : `${commit}-dirty`
  } catch {
    return undefined
  }
}

/** Throws a {@link BuildError} when an input of a release has changed since the commit. Does nothing without git. */
export async function checkCommitted(folder = root): Promise<void> {
  const changed = await changes([...inputs, 'share', 'LICENSE'], folder).catch(() => '')
  if (changed !== '')
    throw new BuildError(`A signed release must be of a commit. Commit these changes first:\n${changed}`)
}

async function changes(paths: readonly string[], folder: string): Promise<string> {
  return await git(['status', '--porcelain', '--', ...paths], folder)
}
