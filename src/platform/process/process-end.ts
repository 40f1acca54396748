import { constants } from 'node:os'
import { messageOf } from '../../base/errors.ts'

/** What must not be lost with the process; it works while the process waits, and answers what is to be told about it in one line. */
export type LastWork = (isTimeLeft: () => boolean) => string | undefined

/** What all of it may take: whoever ends a process does not expect it to stay. */
const maxMs = 3_000

const works = new Set<LastWork>()

/**
 * Has `work` done when the process ends by `process.exit`, by an error that nobody caught or by itself; not when a signal ends it.
 * The returned function takes that back.
 */
export function atProcessEnd(work: LastWork): () => void {
  // One listener for all: a process may have more clients than an emitter believes in.
  if (works.size === 0) process.on('exit', doAll)
  works.add(work)
  return () => {
    works.delete(work)
    if (works.size === 0) process.off('exit', doAll)
  }
}

/** Ends this process as the signal does where nobody listens for it, so that whoever started it sees the same end. */
export function endBySignal(signal: NodeJS.Signals): never {
  doAll()
  process.kill(process.pid, signal)
  // Process 1 is not ended by its own signals.
  process.exit(exitCodeOf(signal))
}

/** What a shell makes of the end by a signal. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}

function doAll(): void {
  const untilMs = performance.now() + maxMs
  for (const work of [...works]) {
    try {
      tell(work(() => performance.now() < untilMs))
    } catch (error) {
      tell(`what waits in memory could not be written: ${messageOf(error)}`)
    }
  }
}

/** There is nobody left to hear that even this fails. */
function tell(text: string | undefined): void {
  if (text === undefined) return
  try {
    process.stderr.write(`device-cloud: ${text.replace(/\s+/g, ' ')}\n`)
  } catch {}
}
