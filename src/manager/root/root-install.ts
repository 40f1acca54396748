// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { carryOutPower, type PowerOptions, planPower } from '../../platform/process/power.ts'
import { storeFolder } from '../../platform/store/store-folder.ts'
import { WriteBudget } from '../../platform/store/write-budget.ts'
import { readDeviceFacts } from '../../platform/system/device-facts.ts'
import { Status } from '../../protocol/status.ts'
import type { ActionOutcome } from '../actions/index.ts'
import { defaultLogName, outcomeOf, UpdateError, UpdateJournal, Updates, updatePlaces } from '../ota/index.ts'
import type { RootConfig } from './root-config.ts'
import type { RootPlaces } from './root-places.ts'
import type { PendingInstall } from './root-results.ts'

/**
 * Installs a package that root has copied, by the same engine as every update, with a journal of root's own. An installation that
 * an earlier process began continues where it was, and is never begun again.
 *
 * @param parts.patienceMs how long to wait for a script that an earlier process has started
 * @returns the result; undefined when the installation is left to the next process
 */
export async function installAsRoot(
  { id, package: name, extraParams }: PendingInstall,
  parts: {
    readonly places: RootPlaces
    /** The rules for packages, and the file that has them. */
    readonly config: Pick<RootConfig, 'publicKeys' | 'names' | 'deviceId'>
    readonly configPath: string
    readonly patienceMs: number
    readonly powerOptions: PowerOptions
    readonly bootId: string | undefined
    readonly clock: Clock
    readonly log: Log
    readonly signal: AbortSignal
  },
): Promise<ActionOutcome | undefined> {
  const { places, config, configPath, patienceMs, powerOptions, bootId, clock, log, signal } = parts
  const own = updatePlaces(places.installDir)
  const updates = new Updates({
    places: own,
    journal: new UpdateJournal({ folder: storeFolder(own.stateFolder, new WriteBudget()), log }),
    cloud: undefined,
    rules: () => ({ publicKeys: config.publicKeys, names: config.names, requireSignature: true }),
    facts: () => readDeviceFacts(),
    deviceId: async () => config.deviceId ?? unknownDevice(configPath),
    slot: undefined,
    handOver: () => {},
    reboot: async () => carryOutPower(await planPower('reboot', powerOptions), clock),
    bootId,
    clock,
    log,
  })
  const stop = () => void updates.stop()
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    // The script may wait for the manager to be started, and that waits for this process.
    const patience = clock.timer(patienceMs, stop)
    await updates.resume()
    const left = await updates.ended()
    patience.cancel()
    if (left !== undefined && left.step !== 'done') return undefined
    const path = join(places.packages, name)
    const request = {
      id,
      from: 'local',
      package: name,
      path,
      timeoutS: 0,
      extraParams,
      logName: defaultLogName,
    } as const
    const beginning = await updates.begin(request)
    if (beginning.kind === 'answered') return beginning.outcome
    const end = await updates.ended()
    return end?.step === 'done' ? outcomeOf(end) : undefined
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

function unknownDevice(configPath: string): never {
  const message = `The package is refused: "devices" in it names the devices that it is meant for, and "device_id" in ${configPath} does not say which one this is.`
  throw new UpdateError('POLICY_REFUSED', Status.NoPermission, message)
}
