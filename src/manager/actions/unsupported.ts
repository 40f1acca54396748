import { Status } from '../../protocol/status.ts'
import type { ManagedAction } from './action.ts'

/** An action that the cloud may ask for and that this version does not have. */
export function unsupportedAction(name: string, switchedBy: string): ManagedAction {
  return {
    name,
    switchedBy,
    run: () => ({ status: Status.NotSupported, message: `${name} is not supported by this version of device-cloud` }),
  }
}
