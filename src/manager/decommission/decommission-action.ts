// SPDX-License-Identifier: Apache-2.0
import { Status } from '../../protocol/status.ts'
import { answerFirst, type ManagedAction } from '../actions/index.ts'

/**
 * `decommission_device` [TR50 4.5]: acknowledges, removes the files that let this device reach the cloud, and ends the
 * manager [M6].
 *
 * @param parts.forget ends the connection, removes identity, configuration and runtime files, and ends the process
 */
export function decommissionAction(parts: { readonly forget: () => void }): ManagedAction {
  return {
    name: 'decommission_device',
    switchedBy: 'decommission_device',
    run: async (_request, help) => {
      help.progress('decommissioning: the device removes its identity and configuration').catch(() => {})
      // Also when the answer does not get through: a link that breaks now must not keep the device in service.
      await answerFirst(help, { status: Status.Success, message: '' })
      parts.forget()
      return undefined
    },
  }
}
