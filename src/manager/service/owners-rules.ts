// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../base/errors.ts'
import { closureOf } from '../../config/closure.ts'
import { loadClientConfig } from '../../config/load.ts'
import { loadManagerConfig } from '../../config/manager-config.ts'
import { formatProblem } from '../../config/values.ts'

/** The owner's rules for packages, for root's own file. */
export interface OwnersRules {
  readonly publicKeys: readonly string[]
  readonly names: readonly string[]
  /** The mistake that makes the rules void; then there is no key. */
  readonly mistake?: string
}

/** Reads the policies of packages as the device manager will: root does not open what a mistake closes for the manager. */
export async function ownersRules(configDir: string): Promise<OwnersRules> {
  try {
    // The environment of the installing user is not that of the service.
    const place = { configDir, configFile: 'iot-connect.cfg', environment: {} }
    const { settings, closures } = await loadClientConfig({ appId: '', ...place, offline: true })
    const manager = await loadManagerConfig(place)
    const closure = closureOf([...closures, ...manager.closures], 'ota')
    if (closure !== undefined) return closed(formatProblem(closure.problem))
    const { publicKeys, names } = settings.ota
    return { publicKeys, names }
  } catch (error) {
    if (error instanceof AgentError && error.code === 'CONFIG_INVALID') return closed(error.message)
    throw error
  }
}

function closed(mistake: string): OwnersRules {
  return { publicKeys: [], names: [], mistake }
}
