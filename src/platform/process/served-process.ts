// SPDX-License-Identifier: Apache-2.0
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
