import type { Log } from '../base/log.ts'
import type { Settings } from '../config/settings.ts'
import { userId } from '../platform/process-facts.ts'

/** Says so when the cloud may read and write every file of the device, which is how fleets of the Python agent are set up. */
export function warnOfOpenPaths(connection: Settings, isEnabled: (action: string) => boolean, log: Log): void {
  if (userId() !== 0 || !connection.fileTransfer.allow.includes('/') || !isEnabled('file_transfers')) return
  log.warn('the cloud may read and write every file of this device, as with the Python agent', {
    remedy: 'Name the folders that it needs in file_transfer.allow of the connection file.',
  })
}
