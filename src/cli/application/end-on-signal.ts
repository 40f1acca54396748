import { disconnectAll } from '../../client/open-clients.ts'
import { endBySignal, exitCodeOf } from '../../platform/process/process-end.ts'
import { standIn } from './stand-in.ts'

const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/** What supervisors give a process at least before they kill it, with some to spare. */
const drainMs = 5_000

/**
 * Ends an application in good order on the signals that it does not listen for itself: its clients take nothing new, what they have
 * goes to the cloud or to flash, and then the signal ends the process, as it would have without us. A second one does so at once.
 *
 * @returns whether the end has begun
 */
export function endOnSignals(): () => boolean {
  let isOver = false
  const ends = signals.map(signal =>
    standIn(signal, () => {
      // What is left is written while the process exits.
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
