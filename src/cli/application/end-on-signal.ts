// SPDX-License-Identifier: Apache-2.0
import { disconnectAll } from '../../client/open-clients.ts'
import { endBySignal, exitCodeOf } from '../../platform/process/process-end.ts'
import { standIn } from './stand-in.ts'

const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/** Less than the shortest time that supervisors give a process before they kill it. */
const drainMs = 5_000

/**
 * Shuts an application down on the signals that it does not listen for itself. Its clients accept nothing new and send what they have
 * to the cloud or to flash. Then the signal ends the process, as it would have done at once without this. A second signal does not wait.
 *
 * @returns a function that says whether the shutdown has begun
 */
export function endOnSignals(): () => boolean {
  let isOver = false
  const ends = signals.map(signal =>
    standIn(signal, () => {
      // The exit handlers of the clients write the rest to flash.
      if (isOver) process.exit(exitCodeOf(signal))
      isOver = true
      void disconnectAll(drainMs).then(() => {
        for (const end of ends) end()
        endBySignal(signal)
      })
    }),
  )
  return () => isOver
}
