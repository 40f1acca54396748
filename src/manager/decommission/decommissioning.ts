import { resolve } from 'node:path'
import type { Log } from '../../base/log.ts'
import { statePath } from '../../client/state-folder.ts'
import type { ManagerSettings, Settings } from '../../config/settings.ts'
import type { ManagerPlace } from '../configuration/index.ts'
import { forgetDevice, forgetLast } from './decommission-files.ts'
import { remainingPolicies } from './remaining-policies.ts'

/** Whether the device was taken out of service, and what then goes with the manager. */
export class Decommissioning {
  readonly #place: ManagerPlace
  readonly #log: Log
  #ordered = false

  constructor(place: ManagerPlace, log: Log) {
    this.#place = place
    this.#log = log
  }

  /** From now on the end of the manager is the end of the device's identity. */
  order(): void {
    this.#ordered = true
  }

  /** Removes what lets the device reach the cloud, while the last answer is still on its way. */
  async beforeTheEnd(
    runtimeFolder: string | undefined,
    connection: Parameters<typeof remainingPolicies>[0],
    own: ManagerSettings,
  ): Promise<void> {
    if (!this.#ordered) return
    const { configDir, configFile } = this.#place
    const remaining = remainingPolicies(connection, own)
    if (remaining !== undefined)
      this.#log.warn('the token is not in the connection file, so this device can come back: its policies stay', {
        remedy: 'Take the token out of the environment or the flags of the device manager.',
      })
    await forgetDevice(
      { connectionFile: resolve(configDir, configFile), configDir, runtimeFolder, remaining },
      this.#log,
    )
  }

  /** Removes what was in use until the very end. */
  async afterTheEnd(runtimeFolder: string, settings: Settings, thingKey: string | undefined): Promise<void> {
    if (!this.#ordered) return
    const { configDir } = this.#place
    const stateFolder = thingKey === undefined ? undefined : statePath({ settings, configDir, thingKey })
    await forgetLast({ runtimeFolder, stateFolder, logFile: settings.logFile })
  }
}
