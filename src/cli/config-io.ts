import { AgentError } from '../base/errors.ts'
import type { ConfigNote, ConfigProblem } from '../config/settings.ts'
import { formatProblem } from '../config/values.ts'
import type { Environment } from '../platform/process/process-facts.ts'
import type { Flag, Invocation } from './command.ts'
import { appIdFlag, configDirFlag, configFileFlag, configPlaceOf } from './config-flags.ts'
import { reportError } from './report-error.ts'

/** How the `config` commands talk to whoever runs them. */
export interface ConfigIo {
  /** Writes one line of result. */
  out(line: string): void
  /** Writes one line of error or warning. */
  err(line: string): void
  /** Asks a person; absent when nobody is there to answer (no terminal). `hidden` must not show what is typed. */
  readonly ask?: (question: string, options: { hidden: boolean }) => Promise<string>
  readonly environment: Environment
}

/** Which configuration a command is about; the defaults are those of `manager`. */
export interface ConfigTarget {
  readonly appId?: string | undefined
  readonly configDir?: string | undefined
  readonly configFile?: string | undefined
  /** Where there is no connection file either. */
  readonly alsoTried?: readonly string[] | undefined
}

/** The flags that say which configuration is meant. */
export const targetFlags: readonly Flag[] = [
  appIdFlag,
  configDirFlag,
  configFileFlag,
  { name: 'json', summary: 'Print JSON, for programs.' },
]

/** What {@link targetFlags} say. */
export function targetIn(invocation: Invocation): ConfigTarget & { readonly json: boolean } {
  return { ...configPlaceOf(invocation), json: invocation.has('json') }
}

/** Where and for whom, with the defaults of `manager`. */
export function withDefaults(target: ConfigTarget) {
  return {
    appId: target.appId ?? 'device_manager',
    configDir: target.configDir ?? '.',
    configFile: target.configFile ?? 'iot-connect.cfg',
    alsoTried: target.alsoTried ?? [],
  }
}

/** The mistakes that a `CONFIG_INVALID` carries; undefined for any other failure. */
export function problemsOf(error: unknown): readonly ConfigProblem[] | undefined {
  if (!(error instanceof AgentError) || error.code !== 'CONFIG_INVALID') return undefined
  const { problems } = error.details
  return Array.isArray(problems) ? problems : undefined
}

/** What else a `CONFIG_INVALID` has to say of the files that it is about. */
export function warningsOf(error: unknown): readonly ConfigNote[] {
  if (problemsOf(error) === undefined || !(error instanceof AgentError)) return []
  const { warnings } = error.details
  return Array.isArray(warnings) ? warnings : []
}

/** Prints what deserves a warning; what is only worth a debug line stays unsaid. */
export function printWarnings(io: ConfigIo, notes: readonly ConfigNote[]): void {
  for (const note of notes) if (note.level === 'warn') io.err(`warning: ${formatProblem(note)}`)
}

/** Prints a failure as one line and returns its exit code. Anything but an {@link AgentError} is a bug and goes on. */
export function printFailure(io: ConfigIo, error: unknown): number {
  if (!(error instanceof AgentError)) throw error
  return reportError(error, { err: line => io.err(line.trimEnd()) })
}
