import { writtenPolicies } from '../../config/policy.ts'
import type { ManagerSettings, Origins, Settings } from '../../config/settings.ts'

/** The text of the two files of a device that was decommissioned and can come back. */
export interface RemainingFiles {
  readonly connection: string
  readonly own: string
}

/**
 * The policies in effect, as files without anything else: for a device whose token is not in its connection file. Whoever
 * starts it again with the same environment has a new device, and its owner's policies still hold; an operator cannot take
 * them away by taking the device out of service.
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
