// SPDX-License-Identifier: Apache-2.0
import { writtenPolicies } from '../../config/policy.ts'
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
  const manager = { runtime_dir: own.runtimeDir, actions_enabled: own.actionsEnabled }
  return { connection: textOf(writtenPolicies(settings)), own: textOf(manager) }
}

function textOf(file: object): string {
  return `${JSON.stringify(file, null, 2)}\n`
}
