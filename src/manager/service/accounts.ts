// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { AgentError } from '../../base/errors.ts'
import { systemText } from '../../platform/system/system-file.ts'

export interface Account {
  readonly userId: number
  readonly groupId: number
}

/**
 * The ids of a user in `/etc/passwd` under `root`: those of the device, which may differ from those of the machine that builds its image.
 *
 * @throws AgentError `INVALID_ARGUMENT` when there is no such user
 */
export async function findAccount(root: string, user: string): Promise<Account> {
  const lines = ((await systemText(root, 'etc/passwd')) ?? '').split('\n')
  const fields = lines.map(line => line.split(':')).find(([name]) => name === user)
  const [userId, groupId] = [Number(fields?.[2] || Number.NaN), Number(fields?.[3] || Number.NaN)]
  if (Number.isInteger(userId) && Number.isInteger(groupId)) return { userId, groupId }
  const message = `there is no user ${user} in ${join(root, 'etc/passwd')}, and nothing was written. Make the user first, for example run: adduser -S -D -H ${user}`
  throw new AgentError('INVALID_ARGUMENT', message, { details: { root, user } })
}
