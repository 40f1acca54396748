// SPDX-License-Identifier: Apache-2.0
import { inspect } from 'node:util'
import { AgentError, errnoOf, messageOf } from '../../base/errors.ts'
import { processSecrets } from '../../base/secrets.ts'
import type { Terminal } from '../shell/command.ts'
import { isTraced, reportError, shownLine } from '../shell/report-error.ts'
import { applicationFrames, excerptOf, isThrownHere, showApplicationFrames } from './frames.ts'
import { standIn } from './stand-in.ts'

/** How many causes of an error are shown. */
const maxCauses = 8

/**
 * Reports uncaught errors, unless the application listens for them itself. An error of the application is reported much as Node does
 * it, an error of the library as a command reports it and with the exit code of its kind. Both show only the frames of the
 * application: Node would print the line of the bundle that threw, which is the whole bundle.
 *
 * @param isOver whether the shutdown has begun: calls of closed clients are expected then
 */
export function reportUncaught(terminal: Terminal, isOver: () => boolean): void {
  const end = standIn('uncaughtException', (error: unknown) => {
    try {
      report(error)
    } catch {
      // A getter of the error threw. Uncaught, it would look like a bug of the agent.
      terminal.err(`Uncaught ${shownLine(messageOf(error))}\n`)
      process.exit(1)
    }
  })
  const report = (error: unknown) => {
    if (isOver() && error instanceof AgentError && error.code === 'CLOSED') return
    if (error instanceof AgentError || isThrownHere(error)) process.exit(reportOurs(error, terminal))
    if (!isTraced()) for (const each of [error, ...causesOf(error)]) showApplicationFrames(each)
    if (isOfLoader(error) && process.listenerCount('unhandledRejection') === 0) {
      // Only Node knows the line with the mistake, and only its own report shows it.
      end()
      void Promise.reject(error)
      return
    }
    terminal.err(`${excerptOf(error)}${processSecrets.hideIn(`Uncaught ${reasonOf(error) ?? inspect(error)}`)}\n`)
    process.exit(1)
  }
}

/** Whether the module loader could not compile or link a file. */
function isOfLoader(error: unknown): boolean {
  return error instanceof SyntaxError && applicationFrames(error).length === 0
}

/** The value that a promise was rejected with, as text, if it was not an error: Node wraps it into one. */
function reasonOf(error: unknown): string | undefined {
  if (errnoOf(error) !== 'ERR_UNHANDLED_REJECTION') return undefined
  const reason = /reason "([\s\S]*)"\.?$/.exec(messageOf(error))?.[1]
  return `(in a promise) ${reason ?? messageOf(error)}`
}

function reportOurs(error: unknown, terminal: Terminal): number {
  const exitCode = reportError(error, terminal)
  if (isTraced()) return exitCode
  for (const cause of causesOf(error)) terminal.err(`  because: ${lineOf(cause)}\n`)
  for (const frame of applicationFrames(error)) terminal.err(`${frame}\n`)
  return exitCode
}

function causesOf(error: unknown): unknown[] {
  const causes: unknown[] = []
  const asked = [error]
  for (let at = asked.shift(); at !== undefined; at = asked.shift()) {
    for (const cause of directCausesOf(at)) {
      if (cause === error || causes.includes(cause) || causes.length >= maxCauses) continue
      causes.push(cause)
      asked.push(cause)
    }
  }
  return causes
}

/** The direct causes of an error: its cause, and the errors of several attempts. */
function directCausesOf(error: unknown): unknown[] {
  if (!(error instanceof Error)) return []
  const cause = error.cause === undefined ? [] : [error.cause]
  return error instanceof AggregateError ? [...cause, ...error.errors] : cause
}

function lineOf(cause: unknown): string {
  const code = cause instanceof AgentError ? `${cause.code}: ` : ''
  return shownLine(`${code}${messageOf(cause)}`)
}
