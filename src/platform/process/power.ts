// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { AgentError, withoutStop } from '../../base/errors.ts'
import { fileFacts } from '../files/file-facts.ts'
import { findProgram } from './find-program.ts'
import { userId } from './process-facts.ts'
import { runProgram } from './program.ts'

export type PowerAction = 'reboot' | 'shutdown'

/** The program that reboots or switches off this machine, found and permitted. */
export interface PowerPlan {
  readonly action: PowerAction
  readonly file: string
  readonly args: readonly string[]
}

export interface PowerOptions {
  /** Folder that stands for `/`; only tests have another one. */
  readonly root?: string
  /** Effective user id; only tests have another one. */
  readonly userId?: number
}

const folders = ['sbin', 'usr/sbin', 'bin', 'usr/bin']

/** Programs in order of preference. BusyBox, SysV, OpenRC and procd have `reboot` and `poweroff`. */
const programs: Readonly<Record<PowerAction, readonly (readonly [string, ...string[]])[]>> = {
  reboot: [['reboot'], ['shutdown', '-r', 'now'], ['busybox', 'reboot']],
  shutdown: [['poweroff'], ['shutdown', '-h', 'now'], ['halt', '-p'], ['busybox', 'poweroff']],
}
/** Where systemd runs, its own program is preferred: the other names may be missing there. */
const systemdPrograms: typeof programs = {
  reboot: [['systemctl', 'reboot']],
  shutdown: [['systemctl', 'poweroff']],
}

/**
 * Finds the program that reboots or switches off, and does not run it yet: an action is acknowledged before the machine goes down.
 *
 * @throws AgentError `NOT_SUPPORTED` when the agent is not root (`details.reason` `not-root`) or no program is there (`no-program`)
 */
export async function planPower(action: PowerAction, options: PowerOptions = {}): Promise<PowerPlan> {
  const root = options.root ?? '/'
  const what = action === 'reboot' ? 'reboot' : 'switch off'
  if ((options.userId ?? userId()) !== 0) {
    const remedy = 'Run the agent as root, or set its action to false in actions_enabled.'
    const message = `Cannot ${what} this machine: the agent does not run as root. ${remedy}`
    throw new AgentError('NOT_SUPPORTED', message, { details: { reason: 'not-root' }, remedy })
  }
  const runsSystemd = (await fileFacts(join(root, 'run/systemd/system')))?.kind === 'folder'
  const searched = folders.map(folder => join(root, folder))
  for (const [name, ...args] of [...(runsSystemd ? systemdPrograms[action] : []), ...programs[action]]) {
    const file = await findProgram(name, searched)
    if (file !== undefined) return { action, file, args }
  }
  const names = programs[action].map(([name]) => name).join(', ')
  const remedy = 'Install one of them.'
  const message = `Cannot ${what} this machine: none of ${names} is in /${folders.join(', /')}. ${remedy}`
  throw new AgentError('NOT_SUPPORTED', message, { details: { reason: 'no-program' }, remedy })
}

const timeoutMs = 60_000

/** Runs the program. Returns when it has accepted the order; the machine goes down soon after. Throws `EXECUTION_FAILED` with the output. */
export async function carryOutPower(plan: PowerPlan, clock: Clock): Promise<void> {
  const { file, args } = plan
  const outcome = await runProgram({ file, args, environment: 'clean', timeoutMs, maxOutputBytes: 4096, clock })
  // Ended by a signal: init is ending all processes, this one among the first.
  if (outcome.exitCode === 0 || (outcome.ended === 'exit' && outcome.signal !== undefined)) return
  const how = outcome.ended === 'timeout' ? 'it did not end within a minute' : `exit code ${outcome.exitCode}`
  const output = `${outcome.stderr}${outcome.stdout}`.trim()
  const message = `${[file, ...args].join(' ')} failed: ${how}${output === '' ? '' : `: ${withoutStop(output)}`}.`
  throw new AgentError('EXECUTION_FAILED', message, { details: { exitCode: outcome.exitCode, output } })
}
