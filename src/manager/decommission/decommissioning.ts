// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'
import type { Log } from '../../base/log.ts'
import { statePath } from '../../client/state-folder.ts'
import type { ManagedAction } from '../actions/index.ts'
import type { Configuration, ManagerPlace } from '../configuration/index.ts'
import { decommissionAction } from './decommission-action.ts'
import { forgetDevice, forgetLast } from './decommission-files.ts'
import { remainingPolicies } from './remaining-policies.ts'

interface DecommissioningParts {
  readonly place: ManagerPlace
  readonly config: Pick<Configuration, 'file' | 'own' | 'logSettings' | 'whyRuntimeClosed'>
  readonly runtimeDir: string
  readonly log: Log
  /** Ends the manager. */
  readonly end: () => void
}

/** Whether the device was taken out of service, and what is removed with the manager then. */
export class Decommissioning {
  readonly #parts: DecommissioningParts
  #ordered = false

  constructor(parts: DecommissioningParts) {
    this.#parts = parts
  }

  get actions(): readonly ManagedAction[] {
    const forget = () => {
      this.#ordered = true
      this.#parts.end()
    }
    return [decommissionAction({ forget })]
  }

  /** Removes what lets the device reach the cloud, while the last answer is still on its way. */
  async beforeTheEnd(): Promise<void> {
    if (!this.#ordered) return
    const { place, config, runtimeDir, log } = this.#parts
    const { configDir, configFile } = place
    const remaining = remainingPolicies(config.file, config.own.settings)
    if (remaining !== undefined)
      log.warn('the token is not in the connection file, so this device can come back: its policies stay', {
        remedy: 'Take the token out of the environment or the flags of the device manager.',
      })
    const runtimeFolder = config.whyRuntimeClosed === undefined ? runtimeDir : undefined
    await forgetDevice({ connectionFile: resolve(configDir, configFile), configDir, runtimeFolder, remaining }, log)
  }

  /** Removes what was in use until the very end. */
  async afterTheEnd(thingKey: string | undefined): Promise<void> {
    if (!this.#ordered) return
    const { place, config, runtimeDir } = this.#parts
    const settings = config.logSettings
    const stateFolder =
      thingKey === undefined ? undefined : statePath({ settings, configDir: place.configDir, thingKey })
    await forgetLast({ runtimeFolder: runtimeDir, stateFolder, logFile: settings.logFile })
  }
}
