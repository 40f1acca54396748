// SPDX-License-Identifier: Apache-2.0
import { type CheckReport, type CheckResult, outcomeMarks } from '../checks/run-checks.ts'
import type { Terminal } from '../shell/command.ts'
import { logins } from './validation-context.ts'

export interface ReportOptions {
  readonly thingKey: string
  readonly isJson: boolean
  readonly terminal: Terminal
}

/** Writes the report of each check at once, and the counts at the end. */
export class ValidationReport {
  readonly #options: ReportOptions
  #isLoggedIn = true

  constructor(options: ReportOptions) {
    this.#options = options
  }

  add(report: CheckReport): void {
    if (isLoginFailure(report)) this.#isLoggedIn = false
    // Without a login nearly every check is skipped for the same reason, so the count at the end is enough.
    if (!this.#options.isJson && (this.#isLoggedIn || report.outcome !== 'skipped'))
      this.#options.terminal.out(reportLines(report))
  }

  /** Returns the exit code. */
  conclude({ reports, firstFailure }: CheckResult, wasInterrupted: boolean): number {
    const { thingKey, isJson, terminal } = this.#options
    const count = (outcome: CheckReport['outcome']) => reports.filter(report => report.outcome === outcome).length
    const [passed, failed, skipped] = [count('passed'), count('failed'), count('skipped')]
    const ok = failed === 0 && !wasInterrupted
    if (isJson) {
      const features = reports.map(({ name, ...rest }) => ({ feature: name, ...rest }))
      terminal.out(`${JSON.stringify({ ok, thingKey, passed, failed, skipped, features })}\n`)
    } else
      terminal.out(`${passed} passed, ${failed} failed, ${skipped} skipped${wasInterrupted ? '; interrupted' : ''}\n`)
    if (ok) return 0
    // Without a login no feature was checked: the exit code says why there was none.
    return reports.some(isLoginFailure) ? (firstFailure?.exitCode ?? 1) : 1
  }
}

function isLoginFailure({ name, outcome }: CheckReport): boolean {
  return outcome === 'failed' && logins.some(login => login === name)
}

function reportLines({ name, outcome, text, remedy, tookMs }: CheckReport): string {
  const took = tookMs === undefined ? '' : `${tookMs} ms`
  const line = `${outcomeMarks[outcome]}  ${name.padEnd(22)}  ${took.padStart(9)}  ${text}\n`
  return remedy === undefined ? line : `${line}${' '.repeat(41)}${remedy}\n`
}
