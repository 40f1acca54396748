// SPDX-License-Identifier: Apache-2.0
/** git in a folder, as an author of its own: neither the settings of the person who tests nor a repository around it count. */
import { execFileSync } from 'node:child_process'
import { dirname } from 'node:path'

const author = { name: 'Test', email: 'test@example.test' }

/** The environment for git in `folder`. */
export function gitEnvironment(folder: string): NodeJS.ProcessEnv {
  // A test that a git hook started would find the variables of that repository.
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'))
  return {
    ...Object.fromEntries(inherited),
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CEILING_DIRECTORIES: dirname(folder),
    GIT_AUTHOR_NAME: author.name,
    GIT_AUTHOR_EMAIL: author.email,
    GIT_COMMITTER_NAME: author.name,
    GIT_COMMITTER_EMAIL: author.email,
  }
}

/** Runs git in `folder` and returns what it prints on stdout; throws with its stderr when it fails. */
export function gitIn(folder: string): (...args: string[]) => string {
  const env = gitEnvironment(folder)
  return (...args) =>
    execFileSync('git', ['-C', folder, ...args], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()
}
