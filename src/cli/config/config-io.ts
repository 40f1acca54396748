// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../base/errors.ts'
import type { ConfigNote, ConfigProblem } from '../../config/settings.ts'
import { formatProblem } from '../../config/values.ts'
import type { Environment } from '../../platform/process/process-facts.ts'
import type { Flag, Invocation } from '../shell/command.ts'
import { jsonFlag } from '../shell/flags.ts'
import { reportError } from '../shell/report-error.ts'
import { appIdFlag, type ConfigPlace, configDirFlag, configFileFlag, configPlaceOf } from './config-flags.ts'

/** How the `config` commands talk to the person or script that runs them. */
export interface ConfigIo {
  /** Writes one line of result. */
  out(line: string): void
  /** Writes one line of error or warning. */
  err(line: string): void
  /** Asks the person at the terminal; absent without a terminal. With `hidden` the typed text must not be shown. */
  readonly ask?: ((question: string, options: { hidden: boolean }) => Promise<string>) | undefined
  readonly environment: Environment
}

/** The configuration that `config check` and `config show` read, and how they print. */
export interface ConfigTarget extends ConfigPlace {
  readonly json?: boolean | undefined
}

/** The flags of {@link targetIn}. */
export const targetFlags: readonly Flag[] = [appIdFlag, configDirFlag, configFileFlag, jsonFlag]

/** The target that the {@link targetFlags} of a command line name. */
export function targetIn(invocation: Invocation): ConfigTarget {
  return { ...configPlaceOf(invocation), json: invocation.has(jsonFlag.name) }
}

/** The mistakes that a `CONFIG_INVALID` carries; undefined for any other failure. */
export function problemsOf(error: unknown): readonly ConfigProblem[] | undefined {
  if (!(error instanceof AgentError) || error.code !== 'CONFIG_INVALID') return undefined
  const { problems } = error.details
  return Array.isArray(problems) ? problems : undefined
}

/** The warnings that a `CONFIG_INVALID` carries about the same files. */
export function warningsOf(error: unknown): readonly ConfigNote[] {
  if (problemsOf(error) === undefined || !(error instanceof AgentError)) return []
  const { warnings } = error.details
  return Array.isArray(warnings) ? warnings : []
}

/** Prints warnings and mistakes, one a line. Notes of a level below a warning are left out. */
export function printNotes(io: ConfigIo, warnings: readonly ConfigNote[], problems: readonly ConfigProblem[]): void {
  for (const note of warnings) if (note.level === 'warn') io.err(`warning: ${formatProblem(note)}`)
  for (const problem of problems) io.err(formatProblem(problem))
}

/** Prints a failure as one line and returns its exit code. Throws on anything but an {@link AgentError}, which is a bug. */
export function printFailure(io: ConfigIo, error: unknown): number {
  if (!(error instanceof AgentError)) throw error
  return reportError(error, { err: line => io.err(line.trimEnd()) })
}
