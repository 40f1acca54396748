// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:os'
import { messageOf } from '../../base/errors.ts'

/** Synchronous work that must be done before the process ends. Returns one line to report about it, or undefined. */
export type LastWork = (isTimeLeft: () => boolean) => string | undefined

/** How long all of it may take: the operator who ends a process expects it to end soon. */
const maxMs = 3_000

const works = new Set<LastWork>()

/**
 * Runs `work` when the process ends by `process.exit`, by an uncaught error or by itself; not when a signal ends it. The returned
 * function cancels that.
 */
export function atProcessEnd(work: LastWork): () => void {
  // One listener for all: a process may have more clients than an emitter allows without a warning.
  if (works.size === 0) process.on('exit', doAll)
  works.add(work)
  return () => {
    works.delete(work)
    if (works.size === 0) process.off('exit', doAll)
  }
}

/** Ends this process as the signal does without a listener, so that the parent process sees the same end. */
export function endBySignal(signal: NodeJS.Signals): never {
  doAll()
  process.kill(process.pid, signal)
  // Process 1 is not ended by its own signals.
  process.exit(exitCodeOf(signal))
}

/** The exit code by which a shell reports the end by a signal. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}

function doAll(): void {
  const untilMs = performance.now() + maxMs
  for (const work of [...works]) {
    try {
      report(work(() => performance.now() < untilMs))
    } catch (error) {
      report(`what waits in memory could not be written: ${messageOf(error)}`)
    }
  }
}

/** Writes a line to stderr; a failure of that cannot be reported any more. */
function report(text: string | undefined): void {
  if (text === undefined) return
  try {
    process.stderr.write(`device-cloud: ${text.replace(/\s+/g, ' ')}\n`)
  } catch {}
}
