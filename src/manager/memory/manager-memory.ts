// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Client } from '../../client/client.ts'
import { collectGarbage } from '../../platform/process/garbage.ts'
import { readPrivateBytes } from '../../platform/system/own-memory.ts'
import type { NoteFile } from './memory-events.ts'
import { memoryEvents } from './memory-events.ts'
import { type MemoryTimes, MemoryWatch } from './memory-watch.ts'

/** The memory watch of a device manager. */
export function memoryWatchOf(parts: {
  readonly client: Client
  readonly clock: Clock
  readonly log: Log
  readonly note: NoteFile
  /** What runs besides the actions and transfers of the client. */
  readonly otherWork: () => number
  readonly isUpdating: () => boolean
  readonly restart: () => void
  readonly times?: MemoryTimes | undefined
}): MemoryWatch {
  const { client, clock, log, note, otherWork, isUpdating, restart, times } = parts
  return new MemoryWatch({
    clock,
    log,
    read: () => readPrivateBytes(),
    collect: collectGarbage,
    spill: () => client.spill(),
    work: () => {
      const { actions, transfers = 0 } = client.status()
      return { running: actions.length + transfers + otherWork(), isUpdating: isUpdating() }
    },
    note,
    events: memoryEvents(client),
    restart,
    times,
  })
}
