import type { Clock } from '../../base/clock.ts'
import { sleep, throwIfAborted } from '../../base/wait.ts'
import type { Client } from '../../client/client.ts'
import type { UpdateCloud } from './update-cloud.ts'

/** The alarm that tells how an update goes [TR50 7.4]. */
const alarmName = 'software_update'
const betweenPingsMs = 2_000

/** The cloud as an update sees it, through the client of the manager. */
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
    // The same alarm state may come twice in a row, from two updates.
    alarm: (state, message) => client.alarms.publish(alarmName, state, { message }),
    event: (text, level) => client.events.publish(text, { level }),
    progress: (id, text) => client.actions.progress(id, text),
    acknowledge: (id, outcome) => client.actions.acknowledge(id, outcome),
  }
}
