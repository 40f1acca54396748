// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto'
import { basename } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { AgentError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { ensureFolder } from '../../platform/files/folders.ts'
import { carryOutPower, planPower } from '../../platform/process/power.ts'
import { storeFolder } from '../../platform/store/store-folder.ts'
import { WriteBudget } from '../../platform/store/write-budget.ts'
import { readDeviceFacts } from '../../platform/system/device-facts.ts'
import { readBootId } from '../../platform/system/system-facts.ts'
import { Status } from '../../protocol/status.ts'
import { type PackageRules, packageBytes, packageKind } from './package/index.ts'
import { defaultLogName, nameProblem, UpdateJournal, updatePlaces, whyNotSound } from './state/index.ts'
import { outcomeOf } from './update-reports.ts'
import { Updates } from './updates.ts'

/** Why an update without a cloud failed. */
export interface LocalFailure {
  readonly text: string
  /** A rule of the owner refused the package. */
  readonly refused: boolean
}

/**
 * Installs a package of this device without a cloud [TR50 7.7]. An interrupted update is finished first.
 *
 * @returns why it failed; undefined when it is installed
 * @throws AgentError `POLICY_REFUSED` when another user can write to the runtime folder; `ALREADY_RUNNING`; `ABORTED` when
 *   `signal` left it to the next process; `FILE_NOT_FOUND`
 */
export async function installLocally(parts: {
  readonly path: string
  readonly extraParams: string
  readonly runtimeDir: string
  readonly rules: PackageRules
  /** The id of this device; undefined while it has none. */
  readonly deviceId: () => Promise<string | undefined>
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}): Promise<LocalFailure | undefined> {
  const { path, extraParams, runtimeDir, rules, deviceId, clock, log, signal } = parts
  const name = basename(path)
  const problem = nameProblem(name)
  if (problem !== undefined)
    throw new AgentError('INVALID_ARGUMENT', `The name of the package cannot be used: ${problem}.`)
  packageKind(name)
  await packageBytes(path)
  const places = updatePlaces(runtimeDir)
  const weak = await whyNotSound(places)
  if (weak !== undefined) throw new AgentError('POLICY_REFUSED', `Nothing is installed: ${weak}`)
  await ensureFolder(runtimeDir, 0o750)
  const updates = new Updates({
    places,
    journal: new UpdateJournal({ folder: storeFolder(places.stateFolder, new WriteBudget()), log }),
    cloud: undefined,
    rules: () => rules,
    facts: () => readDeviceFacts(),
    deviceId,
    slot: undefined,
    handOver: () => {},
    reboot: async () => carryOutPower(await planPower('reboot'), clock),
    bootId: await readBootId(),
    clock,
    log,
  })
  const stop = () => void updates.stop()
  signal.addEventListener('abort', stop, { once: true })
  try {
    await updates.resume()
    await updates.ended()
    const id = `local-${randomUUID()}`
    const beginning = await updates.begin({
      id,
      from: 'local',
      package: name,
      path,
      timeoutS: 0,
      extraParams,
      logName: defaultLogName,
    })
    if (beginning.kind === 'answered') {
      const { status, message = '' } = beginning.outcome
      throw new AgentError(status === Status.NoPermission ? 'POLICY_REFUSED' : 'ALREADY_RUNNING', message)
    }
    const end = await updates.ended()
    if (end?.step !== 'done')
      throw new AgentError('ABORTED', 'The update was interrupted. The agent continues it at its next start.')
    const { status, message = '' } = outcomeOf(end)
    if (status === Status.Success) return undefined
    return { text: message, refused: status === Status.NoPermission }
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
