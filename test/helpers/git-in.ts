// SPDX-License-Identifier: Apache-2.0
/** Runs git in a folder as an author of its own: neither the settings of the person who tests nor a repository around it count. */
import { execFileSync } from 'node:child_process'
import { dirname } from 'node:path'

/** Resolves to what git prints on stdout; throws with its stderr when it fails. */
export function gitIn(folder: string, environment: NodeJS.ProcessEnv = {}): (...args: string[]) => string {
  const who = { name: 'Test', email: 'test@example.test' }
  // A test that a git hook started would find the variables of that repository.
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'))
  const env = {
    ...Object.fromEntries(inherited),
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CEILING_DIRECTORIES: dirname(folder),
    GIT_AUTHOR_NAME: who.name,
    GIT_AUTHOR_EMAIL: who.email,
    GIT_COMMITTER_NAME: who.name,
    GIT_COMMITTER_EMAIL: who.email,
    ...environment,
  }
  return (...args) =>
    execFileSync('git', ['-C', folder, ...args], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()
}
