import type { Clock } from '../base/clock.ts'
import { type AgentError, asAgentError, type ErrorCode } from '../base/errors.ts'

/** A rung of the ladder to the cloud, tried or left out. */
export interface RungReport {
  readonly name: string
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** What was found, why it failed, or why it was not tried. */
  readonly text: string
  readonly code?: ErrorCode
  readonly remedy?: string
  readonly tookMs?: number
}

/** What a rung that cannot or need not be tried returns. */
export interface Skip {
  readonly skip: string
}

/** A rung: what is tried, and which rungs must hold for it to make sense. */
export interface Rung {
  readonly name: string
  readonly needs?: readonly string[]
  /** Where a failure has another cure here than elsewhere. */
  readonly remedies?: Partial<Readonly<Record<ErrorCode, string>>>
  /** Resolves to what was found; throws what is wrong. */
  climb(): Promise<string | Skip>
}

/** What {@link climbLadder} found. */
export interface Climb {
  readonly rungs: readonly RungReport[]
  /** The failure nearest to the ground. */
  readonly firstFailure?: AgentError
}

/** Tries the rungs in order; one that stands on a failed rung is left out. `onReport` hears of each at once. */
export async function climbLadder(
  rungs: readonly Rung[],
  clock: Clock,
  onReport: (report: RungReport) => void = () => {},
): Promise<Climb> {
  const reports: RungReport[] = []
  const broken = new Set<string>()
  let firstFailure: AgentError | undefined
  for (const rung of rungs) {
    const under = rung.needs?.find(name => broken.has(name))
    const startedMs = clock.monotonicMs()
    const report = under === undefined ? await tryRung(rung) : skipped(rung.name, `"${under}" does not hold`)
    const tookMs = Math.round(clock.monotonicMs() - startedMs)
    const told = report.outcome === 'skipped' ? report.report : { ...report.report, tookMs }
    if (report.outcome === 'failed') firstFailure ??= report.error
    if (report.outcome === 'failed' || under !== undefined) broken.add(rung.name)
    reports.push(told)
    onReport(told)
  }
  return { rungs: reports, ...(firstFailure === undefined ? {} : { firstFailure }) }
}

type Tried =
  | { readonly outcome: 'passed' | 'skipped'; readonly report: RungReport }
  | { readonly outcome: 'failed'; readonly report: RungReport; readonly error: AgentError }

async function tryRung({ name, climb, remedies }: Rung): Promise<Tried> {
  try {
    const found = await climb()
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
