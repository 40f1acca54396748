// SPDX-License-Identifier: Apache-2.0
import { systemClock } from '../../base/clock.ts'
import { AgentError } from '../../base/errors.ts'
import { formatLogRecord, Log } from '../../base/log.ts'
import { processSecrets } from '../../base/secrets.ts'
import { HttpsClient } from '../../connection/http/https.ts'
import { SocketOpener } from '../../connection/socket/socket-opener.ts'
import { trustSettings } from '../../connection/tls/trust-settings.ts'
import { onSignals } from '../../platform/process/signals.ts'
import { runChecks } from '../checks/run-checks.ts'
import { configIo } from '../config/config-terminal.ts'
import { numberFlag } from '../shell/args.ts'
import type { Command, Invocation, Terminal } from '../shell/command.ts'
import { jsonFlag, usage } from '../shell/flags.ts'
import { Operator } from '../validate/operator.ts'
import { ValidationReport } from '../validate/report.ts'
import { findTarget, type ValidationTarget, validationFlags } from '../validate/target.ts'
import { libraryValidation, managerValidation } from '../validate/validation.ts'

const clock = systemClock
const defaultTimeoutS = 30

export const command: Command = {
  name: 'validate',
  summary: 'Check every feature of the library against a real cloud, as a device and as an operator.',
  description:
    'Connects as a new device of its own, uses every feature of the library, and checks the result as an operator. Removes what it made, also after Ctrl-C. Exit code 0 only when every check passes. With --manager it makes no device: it calls the actions of that device manager, except those that would end it.',
  flags: [
    ...validationFlags,
    {
      name: 'alarm',
      value: 'NAME',
      summary: 'Alarm to publish. The thing definition must have it (default validate_alarm).',
    },
    { name: 'timeout', value: 'SECONDS', summary: `How long each check may take (default ${defaultTimeoutS}).` },
    { name: 'restart', summary: 'With --manager: also call reset_agent, which restarts the device manager.' },
    { name: 'log', summary: 'Write the log of the device to stderr.' },
    jsonFlag,
  ],
  async run(invocation, terminal) {
    const timeoutMs = timeoutOf(invocation)
    if (invocation.value('manager') === undefined && invocation.has('restart'))
      throw usage(command, '--restart goes with --manager')
    const target = await findTarget(invocation, configIo(terminal))
    for (const secret of [target.credentials.password, target.settings.cloud.token, target.settings.proxy?.password])
      processSecrets.add(secret)
    const interrupted = new AbortController()
    const unlisten = onSignals({ stop: () => interrupt(interrupted), reload: () => {} })
    try {
      return await validate(target, { invocation, terminal, timeoutMs, signal: interrupted.signal })
    } finally {
      unlisten()
    }
  },
}

function timeoutOf(invocation: Invocation): number {
  const seconds = numberFlag('validate', invocation, 'timeout') ?? defaultTimeoutS
  if (seconds >= 1 && seconds <= 3600) return seconds * 1000
  throw usage(command, `--timeout must be 1 to 3600 seconds, not ${invocation.value('timeout')}`)
}

/** The first signal ends the checks and lets the clean-up run; the second one ends the process at once. */
function interrupt(controller: AbortController): void {
  if (controller.signal.aborted) process.exit(1)
  controller.abort(new AgentError('ABORTED', 'interrupted'))
}

interface ValidateOptions {
  readonly invocation: Invocation
  readonly terminal: Terminal
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

async function validate(target: ValidationTarget, options: ValidateOptions): Promise<number> {
  const { invocation, terminal, timeoutMs, signal } = options
  const log = logOf(invocation, terminal)
  const context = { operator: operatorOf(target, log), clock, timeoutMs, signal }
  const managerKey = invocation.value('manager')
  const alarm = invocation.value('alarm') ?? 'validate_alarm'
  const { thingKey, checks } =
    managerKey === undefined
      ? await libraryValidation(target, { ...context, alarm }, log)
      : await managerValidation(target, { ...context, thingKey: managerKey }, invocation)
  const report = new ValidationReport({ thingKey, isJson: invocation.has(jsonFlag.name), terminal })
  const result = await runChecks(checks, clock, one => report.add(one))
  return report.conclude(result, signal.aborted)
}

function operatorOf({ settings, place }: ValidationTarget, log: Log): Operator {
  const opener = new SocketOpener({ proxy: settings.proxy, trust: trustSettings(settings), clock, log })
  return new Operator({ https: new HttpsClient({ opener, clock, log }), place })
}

function logOf(invocation: Invocation, terminal: Terminal): Log {
  const sink = invocation.has('log')
    ? (record: Parameters<typeof formatLogRecord>[0]) => terminal.err(`${formatLogRecord(record)}\n`)
    : () => {}
  return Log.create({ clock, sink, level: 'debug' })
}
