// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../base/errors.ts'
import { readBoundedText } from '../files/read-file.ts'
import { userId } from './process-facts.ts'

/** A user of this machine. */
export interface UserAccount {
  readonly name: string
  readonly userId: number
  readonly groupId: number
  readonly home: string
  readonly shell: string
}

const maxFileBytes = 1024 * 1024

/**
 * The account of a user in `/etc/passwd`. Another user's can be used by root only.
 *
 * @throws AgentError `NOT_SUPPORTED` when there is no such user, or this process may not become it
 */
export async function userAccount(name: string, file = '/etc/passwd'): Promise<UserAccount> {
  const text = await readBoundedText(file, maxFileBytes)
  for (const line of text.split('\n')) {
    const [user, , uid = '', gid = '', , home = '/', shell = '/bin/sh'] = line.split(':')
    if (user !== name || !/^\d{1,10}$/.test(uid) || !/^\d{1,10}$/.test(gid)) continue
    const account = { name, userId: Number(uid), groupId: Number(gid), home, shell }
    if (userId() === 0 || userId() === account.userId) return account
    throw new AgentError('NOT_SUPPORTED', `Only root can start a program as user ${name}.`)
  }
  throw new AgentError('NOT_SUPPORTED', `There is no user ${name} in ${file}.`)
}
