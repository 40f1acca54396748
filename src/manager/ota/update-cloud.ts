// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import { sleep, throwIfAborted } from '../../base/wait.ts'
import type { Client } from '../../client/client.ts'
import type { Receipt } from '../../outbox/outbox.ts'
import type { DownloadOptions, UploadOptions } from '../../services/files/types.ts'
import type { ActionOutcome } from '../actions/index.ts'

/** What an update needs of the cloud. */
export interface UpdateCloud {
  /** Resolves when there is a link. */
  connected(signal: AbortSignal): Promise<void>
  /** Resolves when the cloud has answered a ping. */
  reached(signal: AbortSignal): Promise<void>
  download(name: string, destination: string, options: DownloadOptions): Promise<unknown>
  upload(path: string, options: UploadOptions): Promise<unknown>
  alarm(state: number, message: string): Promise<unknown>
  event(text: string, level: 'info' | 'error'): Promise<unknown>
  /** Adds a line to the history of a call. */
  progress(id: string, text: string): Promise<unknown>
  acknowledge(id: string, outcome: ActionOutcome): Promise<Receipt>
}

/** The alarm that shows the progress of an update [TR50 7.4]. */
const alarmName = 'software_update'
const betweenPingsMs = 2_000

/** The cloud for an update, through the client of the manager. */
export function clientCloud(client: Client, clock: Clock): UpdateCloud {
  return {
    connected: signal => client.connect({ signal }),
    reached: async signal => {
      for (;;) {
        await client.connect({ signal })
        try {
          await client.diagnostics.ping({ signal })
          return
        } catch {
          throwIfAborted(signal)
          await sleep(clock, betweenPingsMs, signal)
        }
      }
    },
    download: (name, destination, options) => client.files.download(name, destination, options),
    upload: (path, options) => client.files.upload(path, options),
    // Without a filter for repeated states: two updates may publish the same state in a row.
    alarm: (state, message) => client.alarms.publish(alarmName, state, { message }),
    event: (text, level) => client.events.publish(text, { level }),
    progress: (id, text) => client.actions.progress(id, text),
    acknowledge: (id, outcome) => client.actions.acknowledge(id, outcome),
  }
}
