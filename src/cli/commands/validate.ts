import { randomUUID } from 'node:crypto'
import { systemClock } from '../../base/clock.ts'
import { AgentError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import { formatLogRecord, Log } from '../../base/log.ts'
import { HttpsClient } from '../../connection/https.ts'
import { SocketOpener } from '../../connection/socket-opener.ts'
import { trustSettings } from '../../connection/trust-settings.ts'
import { onSignals } from '../../platform/process/signals.ts'
import { type Check, type CheckReport, runChecks } from '../checks/run-checks.ts'
import { configIo } from '../config/config-terminal.ts'
import { askRunningManager, promptAnswerMs } from '../running-manager/ask-manager.ts'
import { numberArg } from '../shell/args.ts'
import type { Command, Invocation, Terminal } from '../shell/command.ts'
import { usage } from '../shell/flags.ts'
import { hideInErrors } from '../shell/report-error.ts'
import { ActionCounts, actionChecks } from '../validate/action-checks.ts'
import { cleanup } from '../validate/cleanup.ts'
import { Device } from '../validate/device.ts'
import { fileChecks } from '../validate/file-checks.ts'
import { endCheck, linkChecks, loginChecks } from '../validate/login-checks.ts'
import {
  managerChecks,
  managerLoginChecks,
  notCalled,
  restartCheck,
  uncalledActions,
} from '../validate/manager-checks.ts'
import type { ManagerContext } from '../validate/manager-context.ts'
import { ManagerFile } from '../validate/manager-file-checks.ts'
import { type Credentials, Operator } from '../validate/operator.ts'
import { sampleChecks } from '../validate/sample-checks.ts'
import { findTarget, type Target, targetFlags } from '../validate/target.ts'
import {
  boundedCheck,
  type CheckBounds,
  logins,
  notProven,
  type ValidationContext,
} from '../validate/validation-context.ts'

const clock = systemClock
const defaultTimeoutS = 30

export const command: Command = {
  name: 'validate',
  summary: 'Prove every feature of the library against a real cloud, as a device and as an operator.',
  description:
    'Connects as a new device of its own, does everything that an application can, and looks at it as an operator. Takes away what it made, also after Ctrl-C. Exit code 0 only when all of it holds. With --manager no device of its own: the actions of that device manager are called, but for those that would end it.',
  flags: [
    ...targetFlags,
    {
      name: 'alarm',
      value: 'NAME',
      summary: 'Alarm to publish, which the thing definition must have (default validate_alarm).',
    },
    { name: 'timeout', value: 'SECONDS', summary: `How long each feature may take (default ${defaultTimeoutS}).` },
    { name: 'restart', summary: 'With --manager: call reset_agent as well, which restarts the device manager.' },
    { name: 'log', summary: 'Log to stderr what the device does.' },
    { name: 'json', summary: 'Print JSON, for programs.' },
  ],
  async run(invocation, terminal) {
    const timeoutMs = timeoutOf(invocation)
    const manager = invocation.value('manager')
    if (manager === undefined && invocation.has('restart')) throw usage(command, '--restart goes with --manager')
    const target = await findTarget(invocation, configIo(terminal))
    for (const secret of [target.credentials.password, target.settings.cloud.token, target.settings.proxy?.password])
      hideInErrors(secret)
    const alarm = invocation.value('alarm') ?? 'validate_alarm'
    const story: Tell =
      manager === undefined
        ? (parts, log) => ofLibrary(target, { ...parts, alarm }, log)
        : parts => ofManager(invocation, target.credentials, { ...parts, thingKey: manager })
    const options = { timeoutMs, isJson: invocation.has('json'), isLogged: invocation.has('log') }
    return validate(target, story, options, terminal)
  },
}

/** What is validated: the checks, and the thing that they are about. */
interface Story {
  readonly thingKey: string
  readonly checks: readonly Check[]
}

type Tell = (parts: CheckBounds & { readonly operator: Operator }, log: Log) => Promise<Story>

function timeoutOf(invocation: Invocation): number {
  const word = invocation.value('timeout')
  const seconds = word === undefined ? defaultTimeoutS : numberArg('validate', '--timeout', word)
  if (seconds >= 1 && seconds <= 3600) return seconds * 1000
  throw usage(command, `--timeout must be 1 to 3600 seconds, not ${word}`)
}

interface Options {
  readonly timeoutMs: number
  readonly isJson: boolean
  readonly isLogged: boolean
}

async function validate(target: Target, tell: Tell, options: Options, terminal: Terminal): Promise<number> {
  const interrupted = new AbortController()
  const unlisten = onSignals({
    stop: () => {
      // The second one: whoever sends it does not want to wait for the clean-up.
      if (interrupted.signal.aborted) process.exit(1)
      interrupted.abort(new AgentError('ABORTED', 'interrupted'))
    },
    reload: () => {},
  })
  try {
    const log = logOf(options, terminal)
    const operator = operatorOf(target, log)
    const { timeoutMs } = options
    const { thingKey, checks } = await tell({ operator, clock, timeoutMs, signal: interrupted.signal }, log)
    let hasLogin = true
    const { reports, firstFailure } = await runChecks(checks, clock, report => {
      if (isLoginFailure(report)) hasLogin = false
      // Without a login nothing can be said of the others: their number will do.
      if (!options.isJson && (hasLogin || report.outcome !== 'skipped')) terminal.out(row(report))
    })
    return conclude(
      reports,
      firstFailure,
      { thingKey, isJson: options.isJson, wasInterrupted: interrupted.signal.aborted },
      terminal,
    )
  } finally {
    unlisten()
  }
}

function operatorOf({ settings, place }: Target, log: Log): Operator {
  const opener = new SocketOpener({ proxy: settings.proxy, trust: trustSettings(settings), clock, log })
  return new Operator({ https: new HttpsClient({ opener, clock, log }), place, clock })
}

function logOf({ isLogged }: Options, terminal: Terminal): Log {
  const sink = isLogged
    ? (record: Parameters<typeof formatLogRecord>[0]) => terminal.err(`${formatLogRecord(record)}\n`)
    : () => {}
  return Log.create({ clock, sink, level: 'debug' })
}

/** A device of its own, which does all that an application can. */
async function ofLibrary(target: Target, parts: Omit<ValidationContext, 'device'>, log: Log): Promise<Story> {
  const counts = new ActionCounts()
  const { settings, credentials } = target
  const device = await Device.make(`validate-${randomUUID()}`, { settings, log, prepare: counts.prepare })
  const context: ValidationContext = { ...parts, device }
  const globalName = `${device.thingKey}.bin`
  const checks = [
    ...loginChecks(credentials),
    ...linkChecks,
    ...sampleChecks,
    ...actionChecks(counts),
    ...fileChecks(globalName),
    endCheck,
  ]
  const tidy = cleanupCheck(async () => {
    const left = await cleanup(context, globalName)
    if (left.length > 0) throw notProven(`left behind: ${left.join('; ')}`)
    return 'nothing is left in the cloud and on this machine'
  })
  return { thingKey: device.thingKey, checks: [...checks.map(check => boundedCheck(check, context)), tidy] }
}

/** A device manager that runs, on this machine or elsewhere. */
async function ofManager(
  invocation: Invocation,
  credentials: Credentials,
  parts: Omit<ManagerContext, 'publish'>,
): Promise<Story> {
  const publish = await localPublish(invocation, parts.thingKey)
  const context: ManagerContext = publish === undefined ? parts : { ...parts, publish }
  const file = new ManagerFile(`validate-${randomUUID()}.bin`)
  const restart = invocation.has('restart') ? restartCheck : notCalled('reset_agent', 'give --restart for that')
  const checks = [...managerLoginChecks(credentials), ...managerChecks, ...file.checks, restart, ...uncalledActions]
  const cleaning = cleanupCheck(() => file.remove(context))
  return { thingKey: parts.thingKey, checks: [...checks.map(check => boundedCheck(check, context)), cleaning] }
}

/** The way into the manager, where it is the one of this machine. */
async function localPublish(invocation: Invocation, thingKey: string): Promise<ManagerContext['publish']> {
  const ask = (request: JsonObject) => askRunningManager(invocation, request, { timeoutMs: promptAnswerMs })
  const status = await ask({ do: 'status' }).catch(() => undefined)
  if (status?.thingKey !== thingKey) return undefined
  return (name, value) => ask({ do: 'publish', kind: 'telemetry', name, value })
}

/** Always the last row, whatever came before. */
function cleanupCheck(run: () => Promise<string>): Check {
  return { name: 'clean-up', run }
}

function conclude(
  reports: readonly CheckReport[],
  firstFailure: AgentError | undefined,
  o: { thingKey: string; isJson: boolean; wasInterrupted: boolean },
  terminal: Terminal,
): number {
  const count = (outcome: CheckReport['outcome']) => reports.filter(report => report.outcome === outcome).length
  const [passed, failed, skipped] = [count('passed'), count('failed'), count('skipped')]
  const isProven = failed === 0 && !o.wasInterrupted
  if (o.isJson) {
    const features = reports.map(({ name, ...rest }) => ({ feature: name, ...rest }))
    terminal.out(`${JSON.stringify({ ok: isProven, thingKey: o.thingKey, passed, failed, skipped, features })}\n`)
  } else
    terminal.out(`${passed} passed, ${failed} failed, ${skipped} left out${o.wasInterrupted ? '; interrupted' : ''}\n`)
  if (isProven) return 0
  // Without a login nothing was proven or disproven: the code says why there was none.
  return reports.some(isLoginFailure) ? (firstFailure?.exitCode ?? 1) : 1
}

function isLoginFailure({ name, outcome }: CheckReport): boolean {
  return outcome === 'failed' && logins.some(login => login === name)
}

const marks = { passed: 'ok  ', failed: 'FAIL', skipped: '-   ' }

function row({ name, outcome, text, remedy, tookMs }: CheckReport): string {
  const took = tookMs === undefined ? '' : `${tookMs} ms`
  const line = `${marks[outcome]}  ${name.padEnd(22)}  ${took.padStart(9)}  ${text}\n`
  return remedy === undefined ? line : `${line}${' '.repeat(41)}${remedy}\n`
}
