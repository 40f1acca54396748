// SPDX-License-Identifier: Apache-2.0
import { asAgentError, errnoOf, isWithoutFolder } from '../../base/errors.ts'

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The environment of this process. The one place that reads it. */
export function processEnvironment(): Environment {
  return process.env
}

const withheld: Record<string, string> = {}

/**
 * Removes variables that are meant for this process alone from its environment, so that no script and no console that it starts
 * gets them. Returns those that were set.
 */
export function withhold(names: readonly string[]): Environment {
  const taken: Record<string, string> = {}
  for (const name of names) {
    const value = process.env[name]
    if (value === undefined) continue
    taken[name] = value
    delete process.env[name]
  }
  Object.assign(withheld, taken)
  return taken
}

/** The environment with the withheld variables, for this program when it starts anew in the same process. */
export function wholeEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, ...withheld }
}

/** The current folder. Throws `FILE_NOT_FOUND` when it was removed. */
export function currentFolder(): string {
  try {
    return process.cwd()
  } catch (error) {
    throw isWithoutFolder(error) ? asAgentError(error) : error
  }
}

/** The current folder; undefined when it was removed, for callers that can do without. */
export function currentFolderIfThere(): string | undefined {
  try {
    return process.cwd()
  } catch (error) {
    if (isWithoutFolder(error)) return undefined
    throw error
  }
}

/** The effective user id; 0 is root. */
export function userId(): number {
  return process.geteuid?.() ?? -1
}

export function processId(): number {
  return process.pid
}

/** Whether a process with this id runs, of any user. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errnoOf(error) === 'EPERM'
  }
}
