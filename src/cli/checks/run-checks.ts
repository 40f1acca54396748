// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import { type AgentError, asAgentError, type ErrorCode } from '../../base/errors.ts'

/** The result of one check. */
export interface CheckReport {
  readonly name: string
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** What the check found, why it failed, or why it was skipped. */
  readonly text: string
  readonly code?: ErrorCode
  readonly remedy?: string
  readonly tookMs?: number
}

/** What a check resolves to when it cannot or need not be run: the reason. */
export interface Skip {
  readonly skip: string
}

export interface Check {
  readonly name: string
  /** The names of the checks that must not have failed for this one to make sense. */
  readonly needs?: readonly string[]
  /** Remedies for failures that need another one here than the general one of their code. */
  readonly remedies?: Partial<Readonly<Record<ErrorCode, string>>>
  /** Resolves to a text that says what it found. Rejects when it fails. */
  run(): Promise<string | Skip>
}

/** What {@link runChecks} found. */
export interface CheckResult {
  readonly reports: readonly CheckReport[]
  readonly firstFailure?: AgentError | undefined
}

/** How an outcome is shown at the beginning of a line. */
export const outcomeMarks = { passed: 'ok  ', failed: 'FAIL', skipped: '-   ' }

/**
 * Runs the checks in their order, and skips those that need a failed or skipped one. `onReport` gets each report as soon as it is
 * there.
 */
export async function runChecks(
  checks: readonly Check[],
  clock: Clock,
  onReport: (report: CheckReport) => void = () => {},
): Promise<CheckResult> {
  const reports: CheckReport[] = []
  const broken = new Set<string>()
  let firstFailure: AgentError | undefined
  for (const check of checks) {
    const needed = check.needs?.find(name => broken.has(name))
    const startedMs = clock.monotonicMs()
    const tried = needed === undefined ? await tryCheck(check) : skipped(check.name, `"${needed}" did not pass`)
    const tookMs = Math.round(clock.monotonicMs() - startedMs)
    const report = tried.outcome === 'skipped' ? tried.report : { ...tried.report, tookMs }
    if (tried.outcome === 'failed') firstFailure ??= tried.error
    if (tried.outcome === 'failed' || needed !== undefined) broken.add(check.name)
    reports.push(report)
    onReport(report)
  }
  return { reports, firstFailure }
}

type Tried =
  | { readonly outcome: 'passed' | 'skipped'; readonly report: CheckReport }
  | { readonly outcome: 'failed'; readonly report: CheckReport; readonly error: AgentError }

async function tryCheck({ name, run, remedies }: Check): Promise<Tried> {
  try {
    const found = await run()
    if (typeof found !== 'string') return skipped(name, found.skip)
    return { outcome: 'passed', report: { name, outcome: 'passed', text: found } }
  } catch (thrown) {
    const error = asAgentError(thrown)
    const { code, message } = error
    const remedy = error.ownRemedy ?? remedies?.[code] ?? error.remedy
    // A remedy that only points at the message adds nothing to it.
    const advice = remedy.startsWith('See the message') ? {} : { remedy }
    return { outcome: 'failed', error, report: { name, outcome: 'failed', text: message, code, ...advice } }
  }
}

function skipped(name: string, text: string): Tried {
  return { outcome: 'skipped', report: { name, outcome: 'skipped', text } }
}
