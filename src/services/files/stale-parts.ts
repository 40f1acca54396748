// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { TransferFolder } from '../../platform/held/transfer-folder.ts'
import { isRunning, processId } from '../../platform/process/process-facts.ts'
import { fileLimits } from './limits.ts'

/** Temporary files are called `.device-cloud-PID-RANDOM.part`; the number is that of the process that owns them. */
export const partPrefix = (processId: number): string => `.device-cloud-${processId}-`
export const partSuffix = '.part'
const partName = /^\.device-cloud-(\d{1,10})-[0-9a-f]{16}\.part$/

/** Names of temporary files that this process is writing now. They are random, so they differ across folders as well. */
const inUse = new Set<string>()

/** Notes that the file `name` is being written; the returned function removes the note. */
export function guardPart(name: string): () => void {
  inUse.add(name)
  return () => void inUse.delete(name)
}

/**
 * Removes the temporary files in `folder` that a killed process left behind: those of a process that is gone
 * once they are ten minutes old (a process in another container looks gone, too), and those of any process once they are a day
 * old (process ids are reused, after a boot often the very same ones). Never fails: what cannot be removed is logged.
 */
export async function removeStaleParts(
  tools: { readonly clock: Clock; readonly log: Log },
  folder: TransferFolder,
): Promise<void> {
  const { clock, log } = tools
  try {
    let seen = 0
    for await (const name of folder.list()) {
      if (++seen > fileLimits.staleSearch) return
      const owner = Number(partName.exec(name)?.[1] ?? Number.NaN)
      if (Number.isNaN(owner) || inUse.has(name)) continue
      const isOthers = owner !== processId() && isRunning(owner)
      const maxAgeMs = isOthers ? fileLimits.staleInUseMs : fileLimits.staleMs
      const facts = await folder.look(name)
      // A time in the future counts as equally old: the clock of a device may jump either way.
      if (facts?.kind !== 'file' || Math.abs(clock.now() - facts.modifiedMs) < maxAgeMs) continue
      await folder.remove(name)
      log.info('removed the rest of an interrupted download', { folder: folder.path, name, bytes: facts.bytes })
    }
  } catch (error) {
    log.limited('stale-parts', 'warn', 'could not look for the rests of interrupted downloads', {
      folder: folder.path,
      error: messageOf(error),
    })
  }
}
