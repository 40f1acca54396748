import { Status } from '../../protocol/status.ts'
import { answerFirst, type ManagedAction } from '../actions/index.ts'

/**
 * `decommission_device`: acknowledges, then takes away what lets this device reach the cloud, and ends the manager
 * [TR50 4.5] [M6].
 *
 * @param parts.forget ends the connection, removes identity, configuration and runtime files, and ends the process
 */
export function decommissionAction(parts: { readonly forget: () => void }): ManagedAction {
  return {
    name: 'decommission_device',
    switchedBy: 'decommission_device',
    run: async (_request, help) => {
      help.progress('decommissioning: the device removes its identity and configuration').catch(() => {})
      // A link that breaks now must not save a device from being taken out of service: it goes on either way.
      await answerFirst(help, { status: Status.Success, message: '' })
      parts.forget()
      return undefined
    },
  }
}
