// SPDX-License-Identifier: Apache-2.0
import { systemClock } from '../../base/clock.ts'
import { processEnvironment } from '../../platform/process/process-facts.ts'
import { checksOf } from '../checks/checks-of.ts'
import { type CheckReport, outcomeMarks, runChecks } from '../checks/run-checks.ts'
import { configPlaceOf } from '../config/config-flags.ts'
import { targetFlags } from '../config/config-io.ts'
import type { Command } from '../shell/command.ts'
import { jsonFlag } from '../shell/flags.ts'

export const command: Command = {
  name: 'check',
  summary: 'Check each step of the way to the cloud: system, name, proxy, TCP, TLS, login and so on.',
  description:
    'Each check passes, or says why it failed and what to do. A running device manager is asked and not disturbed. A device without a device_id gets one, as from the device manager.',
  flags: [
    ...targetFlags,
    {
      name: 'register',
      summary:
        'Log in even where no device_id can be kept. This registers a thing in the cloud, and the output shows the id to keep.',
    },
  ],
  async run(invocation, terminal) {
    const identity = invocation.has('register') ? 'register' : 'make'
    const checks = await checksOf({ ...configPlaceOf(invocation), environment: processEnvironment(), identity })
    const isJson = invocation.has(jsonFlag.name)
    const { reports, firstFailure } = await runChecks(checks, systemClock, report => {
      if (!isJson) terminal.out(reportLines(report))
    })
    // The member keeps its old name, because programs read it.
    if (isJson) terminal.out(`${JSON.stringify({ ok: firstFailure === undefined, rungs: reports })}\n`)
    return firstFailure?.exitCode ?? 0
  },
}

function reportLines({ name, outcome, text, remedy }: CheckReport): string {
  const line = `${outcomeMarks[outcome]}  ${name.padEnd(12)}  ${text}\n`
  return remedy === undefined ? line : `${line}      ${' '.repeat(12)}  ${remedy}\n`
}
