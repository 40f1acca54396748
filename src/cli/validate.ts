import { randomUUID } from 'node:crypto'
import { systemClock } from '../base/clock.ts'
import { AgentError } from '../base/errors.ts'
import { formatLogRecord, Log } from '../base/log.ts'
import { HttpsClient } from '../connection/https.ts'
import { SocketOpener } from '../connection/socket-opener.ts'
import { trustSettings } from '../connection/trust-settings.ts'
import { onSignals } from '../platform/signals.ts'
import type { Command, Invocation, Terminal } from './command.ts'
import { configIo } from './config-terminal.ts'
import { usage } from './flags.ts'
import { climbLadder, type Rung, type RungReport } from './ladder/climb.ts'
import { hideInErrors } from './report-error.ts'
import { ActionCounts, actionProofs } from './validate/action-proofs.ts'
import { cleanUp } from './validate/clean-up.ts'
import { Device } from './validate/device.ts'
import { fileProofs } from './validate/file-proofs.ts'
import { endProof, linkProofs, loginProofs } from './validate/login-proofs.ts'
import { Operator } from './validate/operator.ts'
import { sampleProofs } from './validate/sample-proofs.ts'
import { logins, notProven, proofRung, type Scene } from './validate/scene.ts'
import { findTarget, type Target, targetFlags } from './validate/target.ts'
import { numberWord } from './words.ts'

const clock = systemClock
const defaultTimeoutS = 30

export const command: Command = {
  name: 'validate',
  summary: 'Prove every feature of the library against a real cloud, as a device and as an operator.',
  description:
    'Connects as a new device of its own, does everything that an application can, and looks at it as an operator. Takes away what it made, also after Ctrl-C. Exit code 0 only when all of it holds.',
  flags: [
    ...targetFlags,
    {
      name: 'alarm',
      value: 'NAME',
      summary: 'Alarm to publish, which the thing definition must have (default validate_alarm).',
    },
    { name: 'timeout', value: 'SECONDS', summary: `How long each feature may take (default ${defaultTimeoutS}).` },
    { name: 'log', summary: 'Log to stderr what the device does.' },
    { name: 'json', summary: 'Print JSON, for programs.' },
  ],
  async run(invocation, terminal) {
    const timeoutMs = timeoutOf(invocation)
    const target = await findTarget(invocation, configIo(terminal))
    for (const secret of [target.credentials.password, target.settings.cloud.token, target.settings.proxy?.password])
      hideInErrors(secret)
    return validate(
      target,
      {
        alarm: invocation.value('alarm') ?? 'validate_alarm',
        timeoutMs,
        isJson: invocation.has('json'),
        isLogged: invocation.has('log'),
      },
      terminal,
    )
  },
}

function timeoutOf(invocation: Invocation): number {
  const word = invocation.value('timeout')
  const seconds = word === undefined ? defaultTimeoutS : numberWord('validate', '--timeout', word)
  if (seconds >= 1 && seconds <= 3600) return seconds * 1000
  throw usage(command, `--timeout must be 1 to 3600 seconds, not ${word}`)
}

interface Options {
  readonly alarm: string
  readonly timeoutMs: number
  readonly isJson: boolean
  readonly isLogged: boolean
}

async function validate(target: Target, options: Options, terminal: Terminal): Promise<number> {
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
    const counts = new ActionCounts()
    const device = await Device.make(`validate-${randomUUID()}`, {
      settings: target.settings,
      log,
      prepare: counts.prepare,
    })
    const operator = operatorOf(target, log)
    const { alarm, timeoutMs } = options
    const scene: Scene = { device, operator, clock, alarm, timeoutMs, signal: interrupted.signal }
    const globalName = `${device.thingKey}.bin`
    const proofs = [
      ...loginProofs(target.credentials),
      ...linkProofs,
      ...sampleProofs,
      ...actionProofs(counts),
      ...fileProofs(globalName),
      endProof,
    ]
    const rungs = [...proofs.map(proof => proofRung(proof, scene)), cleanUpRung(scene, globalName)]
    let hasLogin = true
    const { rungs: reports, firstFailure } = await climbLadder(rungs, clock, report => {
      if (isLoginFailure(report)) hasLogin = false
      // Without a login nothing can be said of the others: their number will do.
      if (!options.isJson && (hasLogin || report.outcome !== 'skipped')) terminal.out(row(report))
    })
    return conclude(
      reports,
      firstFailure,
      { device, isJson: options.isJson, wasInterrupted: interrupted.signal.aborted },
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

/** Always the last row, whatever came before. */
function cleanUpRung(scene: Scene, globalName: string): Rung {
  return {
    name: 'clean-up',
    climb: async () => {
      const left = await cleanUp(scene, globalName)
      if (left.length > 0) throw notProven(`left behind: ${left.join('; ')}`)
      return 'nothing is left in the cloud and on this machine'
    },
  }
}

function conclude(
  reports: readonly RungReport[],
  firstFailure: AgentError | undefined,
  o: { device: Device; isJson: boolean; wasInterrupted: boolean },
  terminal: Terminal,
): number {
  const count = (outcome: RungReport['outcome']) => reports.filter(report => report.outcome === outcome).length
  const [passed, failed, skipped] = [count('passed'), count('failed'), count('skipped')]
  const isProven = failed === 0 && !o.wasInterrupted
  if (o.isJson) {
    const features = reports.map(({ name, ...rest }) => ({ feature: name, ...rest }))
    terminal.out(
      `${JSON.stringify({ ok: isProven, thingKey: o.device.thingKey, passed, failed, skipped, features })}\n`,
    )
  } else
    terminal.out(`${passed} passed, ${failed} failed, ${skipped} left out${o.wasInterrupted ? '; interrupted' : ''}\n`)
  if (isProven) return 0
  // Without a login nothing was proven or disproven: the code says why there was none.
  return reports.some(isLoginFailure) ? (firstFailure?.exitCode ?? 1) : 1
}

function isLoginFailure({ name, outcome }: RungReport): boolean {
  return outcome === 'failed' && logins.some(login => login === name)
}

const marks = { passed: 'ok  ', failed: 'FAIL', skipped: '-   ' }

function row({ name, outcome, text, remedy, tookMs }: RungReport): string {
  const took = tookMs === undefined ? '' : `${tookMs} ms`
  const line = `${marks[outcome]}  ${name.padEnd(18)}  ${took.padStart(9)}  ${text}\n`
  return remedy === undefined ? line : `${line}${' '.repeat(37)}${remedy}\n`
}
