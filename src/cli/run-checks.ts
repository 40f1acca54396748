import type { Clock } from '../base/clock.ts'
import { type AgentError, asAgentError, type ErrorCode } from '../base/errors.ts'

/** A check that was run or left out. */
export interface CheckReport {
  readonly name: string
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** What was found, why it failed, or why it was not tried. */
  readonly text: string
  readonly code?: ErrorCode
  readonly remedy?: string
  readonly tookMs?: number
}

/** What a check that cannot or need not be tried returns. */
export interface Skip {
  readonly skip: string
}

/** A check: what is tried, and which checks must hold for it to make sense. */
export interface Check {
  readonly name: string
  readonly needs?: readonly string[]
  /** Where a failure has another cure here than elsewhere. */
  readonly remedies?: Partial<Readonly<Record<ErrorCode, string>>>
  /** Resolves to what was found; throws what is wrong. */
  run(): Promise<string | Skip>
}

/** What {@link runChecks} found. */
export interface CheckResult {
  readonly reports: readonly CheckReport[]
  /** The failure nearest to the ground. */
  readonly firstFailure?: AgentError
}

/** Tries the checks in order; one that stands on a failed check is left out. `onReport` hears of each at once. */
export async function runChecks(
  checks: readonly Check[],
  clock: Clock,
  onReport: (report: CheckReport) => void = () => {},
): Promise<CheckResult> {
  const reports: CheckReport[] = []
  const broken = new Set<string>()
  let firstFailure: AgentError | undefined
  for (const check of checks) {
    const under = check.needs?.find(name => broken.has(name))
    const startedMs = clock.monotonicMs()
    const report = under === undefined ? await tryCheck(check) : skipped(check.name, `"${under}" does not hold`)
    const tookMs = Math.round(clock.monotonicMs() - startedMs)
    const told = report.outcome === 'skipped' ? report.report : { ...report.report, tookMs }
    if (report.outcome === 'failed') firstFailure ??= report.error
    if (report.outcome === 'failed' || under !== undefined) broken.add(check.name)
    reports.push(told)
    onReport(told)
  }
  return { reports, ...(firstFailure === undefined ? {} : { firstFailure }) }
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
    // What the text says already is not said again.
    const told = remedy.startsWith('See the message') ? {} : { remedy }
    return { outcome: 'failed', error, report: { name, outcome: 'failed', text: message, code, ...told } }
  }
}

function skipped(name: string, text: string): Tried {
  return { outcome: 'skipped', report: { name, outcome: 'skipped', text } }
}
