import type { ManagerSettings, Origins, Settings } from '../../config/settings.ts'

/** The texts of the two files of a device that can come back after its decommissioning. */
export interface RemainingFiles {
  readonly connection: string
  readonly own: string
}

/**
 * The policies in effect, as files with nothing else, for a device that does not have its token in the connection file. Started
 * again with the same environment it is a new device, and the policies of its owner must still hold: an operator cannot
 * remove them by decommissioning the device.
 *
 * @returns undefined where the device loses its token with the connection file
 */
export function remainingPolicies(
  { settings, origins }: { readonly settings: Settings; readonly origins: Origins },
  own: Pick<ManagerSettings, 'actionsEnabled' | 'runtimeDir'>,
): RemainingFiles | undefined {
  if (origins.get('cloud.token')?.source === 'file') return undefined
  const { ota, fileTransfer, remoteAccess } = settings
  const { maxBytes } = fileTransfer
  const { relayHosts } = remoteAccess
  const connection = {
    ota: { public_keys: ota.publicKeys, require_signature: ota.requireSignature, names: ota.names },
    file_transfer: { allow: fileTransfer.allow, ...(maxBytes === undefined ? {} : { max_bytes: maxBytes }) },
    remote_access: {
      allow: remoteAccess.allow,
      ...(relayHosts === undefined ? {} : { relay_hosts: relayHosts }),
      max_sessions: remoteAccess.maxSessions,
      max_channels: remoteAccess.maxChannels,
      idle_timeout: remoteAccess.idleTimeoutS,
      max_duration: remoteAccess.maxDurationS,
    },
  }
  const manager = { runtime_dir: own.runtimeDir, actions_enabled: own.actionsEnabled }
  return { connection: textOf(connection), own: textOf(manager) }
}

function textOf(file: object): string {
  return `${JSON.stringify(file, null, 2)}\n`
}
