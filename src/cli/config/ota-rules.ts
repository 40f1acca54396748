// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../base/errors.ts'
import { closureOf } from '../../config/closure.ts'
import { type ClientConfig, loadClientConfig } from '../../config/load.ts'
import { loadManagerConfig } from '../../config/manager-config.ts'
import type { Settings } from '../../config/settings.ts'
import { configError, formatProblem } from '../../config/values.ts'
import { fileFacts } from '../../platform/files/file-facts.ts'
import { processEnvironment } from '../../platform/process/process-facts.ts'
import type { Invocation } from '../shell/command.ts'
import { configDirFlag, configFileFlag, configPlaceOf } from './config-flags.ts'

/** What the owner of this device requires of update packages. */
export interface OtaRules {
  readonly rules: Settings['ota']
  /** Whether a connection file or the environment gives these rules; else they are the defaults. */
  readonly isGiven: boolean
  readonly config: ClientConfig
}

/**
 * The `ota` settings for a command that may run where no cloud is configured. A folder or file that the command line names must
 * exist: a mistyped name must not look like an owner who requires nothing.
 *
 * @throws AgentError `CONFIG_INVALID`; `POLICY_REFUSED` when a mistake in the settings closes updates
 */
export async function otaRules(invocation: Invocation): Promise<OtaRules> {
  const { configDir, configFile } = configPlaceOf(invocation)
  if (invocation.value(configDirFlag.name) !== undefined && (await fileFacts(configDir))?.kind !== 'folder')
    throw missing(configDir, 'is not a folder', 'Correct --config-dir.')
  const environment = processEnvironment()
  const place = { appId: 'device_manager', configDir, configFile, settings: {}, environment, offline: true }
  const config = await loadClientConfig(place)
  const { path, exists, closures } = config
  if (!exists && invocation.value(configFileFlag.name) !== undefined)
    throw missing(path, 'does not exist', 'Correct --config-file.')
  // A policy that the owner wrote into iot.cfg by mistake closes what it was meant to decide, as in the device manager.
  const manager = await loadManagerConfig({ configDir, environment })
  const closure = closureOf([...closures, ...manager.closures], 'ota')
  if (closure !== undefined) {
    const message = `No package is accepted, because of a mistake in the configuration: ${formatProblem(closure.problem)}`
    throw new AgentError('POLICY_REFUSED', message, { details: { problems: [closure.problem] } })
  }
  return { rules: config.settings.ota, isGiven: exists || isFromEnvironment(config), config }
}

function isFromEnvironment({ origins }: ClientConfig): boolean {
  return ['ota.require_signature', 'ota.public_keys'].some(key => origins.get(key)?.source === 'environment')
}

function missing(file: string, problem: string, remedy: string): AgentError {
  return configError([{ file, problem, remedy }])
}
