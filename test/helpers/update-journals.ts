// SPDX-License-Identifier: Apache-2.0
import { parseManifest } from '../../src/manager/ota/package/manifest.ts'
import { firstState, type Step, type UpdateState } from '../../src/manager/ota/state/index.ts'
import { updatePlaces } from '../../src/manager/ota/state/places.ts'
import { readUpdateRequest } from '../../src/manager/ota/state/request.ts'
import { UpdateJournal } from '../../src/manager/ota/state/update-journal.ts'
import { storeFolder } from '../../src/platform/store/store-folder.ts'
import { WriteBudget } from '../../src/platform/store/write-budget.ts'
import { memoryLog } from './memory-log.ts'

/** An update that has brought a new executable of the agent, in the step named. */
export type Left = { readonly step: Step } & Partial<UpdateState>

/** The update has its new executable on trial. */
export const onTrial = { step: 'agent', probation: { result: 'passed' } } as const

export function updateJournal(runtimeDir: string): UpdateJournal {
  const { log } = memoryLog()
  return new UpdateJournal({ folder: storeFolder(updatePlaces(runtimeDir).stateFolder, new WriteBudget()), log })
}

/** Leaves an update as a process that was cut off does. */
export async function leaveUpdate(runtimeDir: string, left: Left): Promise<void> {
  const { manifest } = parseManifest('{"install": "true", "agent": "agent", "error_action": "undo"}')
  const request = readUpdateRequest('mail-1', { package: 'p.zip' })
  const journal = updateJournal(runtimeDir)
  await journal.begin({ ...firstState(request, 'boot-1'), manifest, ...left })
  await journal.close()
}
