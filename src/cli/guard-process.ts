import type { Terminal } from './command.ts'
import { reportError } from './report-error.ts'

/**
 * What nobody caught ends the process with one line and exit code 70, so that the service that runs us starts a clean one:
 * after an unforeseen exception nobody knows what state is left.
 */
export function guardProcess(terminal: Terminal): void {
  const end = (error: unknown) => {
    process.exit(reportError(error instanceof Error ? new Unforeseen(error) : error, terminal))
  }
  process.on('uncaughtException', end)
  process.on('unhandledRejection', end)
}

/** Wraps even an AgentError: that nobody caught it is the bug. */
class Unforeseen extends Error {
  constructor(error: Error) {
    super(error.message || error.name, { cause: error })
    this.name = 'Unforeseen'
    this.stack = error.stack ?? ''
  }
}
