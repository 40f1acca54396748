// SPDX-License-Identifier: Apache-2.0
import type { ChildProcess } from 'node:child_process'
import { fileFailure } from '../files/file-failure.ts'
import { processEnvironment } from './process-facts.ts'
import type { UserAccount } from './user-account.ts'

const standardPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The environment of a program that serves a remote operator, without the variables of the agent. */
export function childEnvironment(
  account: UserAccount | undefined,
): Record<string, string | undefined> & { readonly PATH: string } {
  const own = processEnvironment()
  return {
    PATH: own.PATH ?? standardPath,
    LANG: own.LANG,
    TZ: own.TZ,
    HOME: account?.home ?? own.HOME,
    ...(account === undefined ? {} : { USER: account.name, LOGNAME: account.name, SHELL: account.shell }),
  }
}

/** A child that runs. Throws `FILE_NOT_FOUND` or `FILE_ACCESS` when it cannot be started. */
export function spawned<Child extends ChildProcess>(file: string, start: () => Child): Promise<Child> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => reject(fileFailure('run', file, error))
    try {
      const child = start()
      child.once('error', fail)
      child.once('spawn', () => resolve(child))
    } catch (error) {
      fail(error)
    }
  })
}
