// SPDX-License-Identifier: Apache-2.0
import type { Terminal } from './command.ts'
import { reportError } from './report-error.ts'

/**
 * Ends the process on an uncaught exception with one line and exit code 70. The state after it is unknown, so the service that runs
 * the process must start a clean one.
 */
export function guardProcess(terminal: Terminal): void {
  const end = (error: unknown) => {
    process.exit(reportError(error instanceof Error ? new Unforeseen(error) : error, terminal))
  }
  process.on('uncaughtException', end)
  process.on('unhandledRejection', end)
}

/** Wraps even an AgentError, because not catching it is the bug. */
class Unforeseen extends Error {
  constructor(error: Error) {
    super(error.message || error.name, { cause: error })
    this.name = 'Unforeseen'
    this.stack = error.stack ?? ''
  }
}
