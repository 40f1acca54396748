// SPDX-License-Identifier: Apache-2.0
import { inspect } from 'node:util'
import { withoutControls } from '../../base/control-characters.ts'
import { type AgentError, asAgentError, errorKinds, messageOf } from '../../base/errors.ts'
import { processSecrets } from '../../base/secrets.ts'
import { formatProblem } from '../../config/values.ts'
import { invokedName } from '../../platform/process/own-executable.ts'
import type { Terminal } from './command.ts'

let traced = false

/** From now on every error that a command reports is followed by its stack and its causes (`--trace`). */
export function traceErrors(): void {
  traced = true
}

/** Whether {@link traceErrors} was called. */
export function isTraced(): boolean {
  return traced
}

/**
 * Writes an error as one line on stderr: what failed, on what, why, and what to do. A configuration with several mistakes gets one
 * line for each.
 *
 * @returns the exit code of its kind
 */
export function reportError(error: unknown, terminal: Pick<Terminal, 'err'>): number {
  const failure = asAgentError(error)
  for (const line of linesOf(failure)) terminal.err(`device-cloud: ${shownLine(line)}\n`)
  if (traced) terminal.err(`${processSecrets.hideIn(inspect(failure))}\n`)
  return failure.exitCode
}

/** Any text as one line for a terminal, without secrets and control characters. */
export function shownLine(text: string): string {
  return oneLine(processSecrets.hideIn(text))
}

function linesOf(failure: AgentError): string[] {
  const problems = problemsOf(failure)
  if (problems.length > 0) return problems
  const message = sentence(messageOf(failure))
  if (failure.code === 'USAGE') return [withRemedy(message, failure.ownRemedy ?? usageRemedy(failure.details.command))]
  if (failure.code !== 'INTERNAL') return [withRemedy(message, failure.remedy)]
  const bug = `${errorKinds.INTERNAL.meaning} ${message}${placeOf(failure.cause ?? failure)}`
  const more = traced ? '' : ' Run it with --trace for details.'
  return [`${withRemedy(bug, failure.remedy)}${more}`]
}

function usageRemedy(command: unknown): string {
  const words = [invokedName(), ...(typeof command === 'string' ? [command] : []), '--help']
  return `See "${words.join(' ')}".`
}

/** Adds the remedy, unless the message holds it already, ends in a command, or is all that the remedy points at. */
function withRemedy(message: string, remedy: string): string {
  return message.includes(remedy) || endsInCommand.test(message) || isPointer.test(remedy)
    ? message
    : `${message} ${remedy}`
}

/** `details.problems` of `CONFIG_INVALID`: one line for each mistake. */
function problemsOf(failure: AgentError): string[] {
  const { problems } = failure.details
  return failure.code === 'CONFIG_INVALID' && Array.isArray(problems) ? problems.map(formatProblem) : []
}

/** The first frame of a bug's stack. The rest is shown only with --trace. */
function placeOf(error: unknown): string {
  const frame = error instanceof Error ? /\n[ \t]+at (.+)/.exec(error.stack ?? '')?.[1] : undefined
  return frame === undefined ? '' : ` (at ${frame})`
}

/** Remedies that point at the message, or at details that only programs see. */
const isPointer = /^See the message|in the details\.$|^Nothing\.$/

/** A command at the end of a message, for copying into a shell: no full stop and no further sentence may follow it. */
const endsInCommand = /\brun: \S[^\n]*$/i

function sentence(text: string): string {
  if (endsInCommand.test(text)) return text.trimEnd()
  return /[.!?]$/.test(text.trimEnd()) ? text.trimEnd() : `${text.trimEnd()}.`
}

function oneLine(text: string): string {
  const joined = text.replace(/(?<!\s)\s+/g, gap => (gap.includes('\n') ? ' ' : gap))
  return withoutControls(joined)
}
