import { inspect } from 'node:util'
import { AgentError, errnoOf, messageOf } from '../../base/errors.ts'
import { withoutSecrets } from '../../base/secrets.ts'
import type { Terminal } from '../shell/command.ts'
import { isTraced, reportError, shownLine } from '../shell/report-error.ts'
import { applicationFrames, excerptOf, isThrownHere, showApplicationFrames } from './frames.ts'
import { standIn } from './stand-in.ts'

/** Causes of causes that are told. */
const maxCauses = 8

/**
 * Reports what the application does not catch, unless it listens for that itself: an error of its own much as Node does, one of the
 * library in our words and with the exit code of its kind, both with the frames of the application alone. Node would print the line of
 * the bundle where it was thrown, which is all of the bundle.
 *
 * @param isOver whether the process ends already: what the application still asks of its closed clients is no accident then
 */
export function reportUncaught(terminal: Terminal, isOver: () => boolean): void {
  const end = standIn('uncaughtException', (error: unknown) => {
    try {
      report(error)
    } catch {
      // A getter of the error that throws, which Node would take for a fault of ours.
      terminal.err(`Uncaught ${shownLine(messageOf(error))}\n`)
      process.exit(1)
    }
  })
  const report = (error: unknown) => {
    if (isOver() && error instanceof AgentError && error.code === 'CLOSED') return
    if (error instanceof AgentError || isThrownHere(error)) process.exit(reportOurs(error, terminal))
    if (!isTraced()) for (const each of [error, ...causesOf(error)]) showApplicationFrames(each)
    if (isOfLoader(error) && process.listenerCount('unhandledRejection') === 0) {
      // Only Node has the line with the mistake, and only its own report shows it.
      end()
      void Promise.reject(error)
      return
    }
    terminal.err(`${excerptOf(error)}${withoutSecrets(`Uncaught ${reasonOf(error) ?? inspect(error)}`)}\n`)
    process.exit(1)
  }
}

/** A file that cannot be compiled or linked. */
function isOfLoader(error: unknown): boolean {
  return error instanceof SyntaxError && applicationFrames(error).length === 0
}

/** With what a promise was rejected, as text, when that is no error: Node makes one of it. */
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
    for (const cause of reasonsOf(at)) {
      if (cause === error || causes.includes(cause) || causes.length >= maxCauses) continue
      causes.push(cause)
      asked.push(cause)
    }
  }
  return causes
}

/** What an error gives as its reasons: one, or those of several attempts. */
function reasonsOf(error: unknown): unknown[] {
  if (!(error instanceof Error)) return []
  const cause = error.cause === undefined ? [] : [error.cause]
  return error instanceof AggregateError ? [...cause, ...error.errors] : cause
}

function lineOf(cause: unknown): string {
  const code = cause instanceof AgentError ? `${cause.code}: ` : ''
  return shownLine(`${code}${messageOf(cause)}`)
}
