// SPDX-License-Identifier: Apache-2.0
import { Status } from '../../protocol/status.ts'
import type { ManagedAction } from '../actions/index.ts'

/**
 * `get_remote_access_info` [TR50 4.5]: checks again which services listen, publishes the attribute, and answers with its text.
 *
 * @param refresh publishes `remote_access_support` and resolves to its text, `""` when nothing listens
 */
export function remoteAccessInfoAction(relayVersion: string, refresh: () => Promise<string>): ManagedAction {
  return {
    name: 'get_remote_access_info',
    repeatable: true,
    run: async () => {
      const text = await refresh()
      return {
        status: Status.Success,
        message: '',
        params: { relay_version: relayVersion, remote_access_attribute: text === '' ? null : text },
      }
    },
  }
}
