import { inspect } from 'node:util'
import { type AgentError, asAgentError, errorKinds, messageOf } from '../../base/errors.ts'
import { keepSecret, withoutSecrets } from '../../base/secrets.ts'
import { formatProblem } from '../../config/values.ts'
import { invokedName } from '../../platform/process/own-executable.ts'
import type { Terminal } from './command.ts'

/** From now on `secret` appears as `[hidden]` in every error that a command reports. */
export function hideInErrors(secret: string | undefined): void {
  if (secret !== undefined && secret.length > 2) keepSecret(secret)
}

let traced = false

/** From now on every error that a command reports comes with its stack and its causes (`--trace`). */
export function traceErrors(): void {
  traced = true
}

/** Whether {@link traceErrors} was asked for. */
export function isTraced(): boolean {
  return traced
}

/**
 * Writes an error as one line on stderr: what failed, on what, why, what to do. A configuration with several mistakes gets a
 * line for each.
 *
 * @returns the exit code that goes with it
 */
export function reportError(error: unknown, terminal: Pick<Terminal, 'err'>): number {
  const failure = asAgentError(error)
  for (const line of linesOf(failure)) terminal.err(`device-cloud: ${shownLine(line)}\n`)
  if (traced) terminal.err(`${withoutSecrets(inspect(failure))}\n`)
  return failure.exitCode
}

/** Text from anywhere as one line for a terminal: without secrets, and without what would drive it. */
export function shownLine(text: string): string {
  return oneLine(withoutSecrets(text))
}

function linesOf(failure: AgentError): string[] {
  const problems = problemsOf(failure)
  if (problems.length > 0) return problems
  const message = sentence(messageOf(failure))
  if (failure.code === 'USAGE') return [withRemedy(message, failure.ownRemedy ?? usageRemedy(failure.details.command))]
  if (failure.code !== 'INTERNAL') return [withRemedy(message, failure.remedy)]
  const bug = `${errorKinds.INTERNAL.meaning} ${message}${placeOf(failure.cause ?? failure)}`
  const more = traced ? '' : ' With --trace it says more.'
  return [`${withRemedy(bug, failure.remedy)}${more}`]
}

function usageRemedy(command: unknown): string {
  const words = [invokedName(), ...(typeof command === 'string' ? [command] : []), '--help']
  return `See "${words.join(' ')}".`
}

/** A message that already says what to do does not say it twice, and does not point at itself. */
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

/** Where a bug sits: the first frame of its stack. The rest of the stack is not for a terminal. */
function placeOf(error: unknown): string {
  const frame = error instanceof Error ? /\n[ \t]+at (.+)/.exec(error.stack ?? '')?.[1] : undefined
  return frame === undefined ? '' : ` (at ${frame})`
}

/** What the message says already, and what only a program sees. */
const isPointer = /^See the message|in the details\.$|^Nothing\.$/

/** What follows is to be copied into a shell: no full stop and no further sentence may come behind it. */
const endsInCommand = /\brun: \S[^\n]*$/i

function sentence(text: string): string {
  if (endsInCommand.test(text)) return text.trimEnd()
  return /[.!?]$/.test(text.trimEnd()) ? text.trimEnd() : `${text.trimEnd()}.`
}

function oneLine(text: string): string {
  const joined = text.replace(/(?<!\s)\s+/g, gap => (gap.includes('\n') ? ' ' : gap))
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what came from outside must not drive the terminal
  return joined.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?')
}
