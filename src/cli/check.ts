import { systemClock } from '../base/clock.ts'
import { Log } from '../base/log.ts'
import { processSecrets } from '../base/secrets.ts'
import { loadClientConfig } from '../config/load.ts'
import { loadManagerConfig } from '../config/manager-config.ts'
import { type Environment, processEnvironment } from '../platform/process/process-facts.ts'
import { cloudRungs } from './checks/cloud-checks.ts'
import { diskRung } from './checks/disk-check.ts'
import { type IdentityMode, LadderIdentity } from './checks/identity-check.ts'
import { networkRungs } from './checks/network-checks.ts'
import { systemRung } from './checks/system-check.ts'
import type { Command } from './command.ts'
import { type ConfigPlace, configPlaceOf } from './config-flags.ts'
import { targetFlags } from './config-io.ts'
import { managerOf } from './manager-socket.ts'
import { climbLadder, type Rung, type RungReport } from './run-checks.ts'

export const command: Command = {
  name: 'check',
  summary: 'Try the way to the cloud rung by rung: system, name, proxy, TCP, TLS, login and so on.',
  description:
    'Each rung passes, or says why not and what to do. A device manager that runs is asked, not disturbed. Where there is no device_id yet it is made, as the device manager makes it.',
  flags: [
    ...targetFlags,
    {
      name: 'register',
      summary:
        'Log in also where no device_id can be kept: the cloud then knows a thing whose id is told, for you to keep.',
    },
  ],
  async run(invocation, terminal) {
    const identity = invocation.has('register') ? 'register' : 'make'
    const rungs = await ladderOf({ ...configPlaceOf(invocation), environment: processEnvironment(), identity })
    const isJson = invocation.has('json')
    const { rungs: reports, firstFailure } = await climbLadder(rungs, systemClock, report => {
      if (!isJson) terminal.out(rungLines(report))
    })
    if (isJson) terminal.out(`${JSON.stringify({ ok: firstFailure === undefined, rungs: reports })}\n`)
    return firstFailure?.exitCode ?? 0
  },
}

/** Whose way to the cloud is tried. */
export interface CheckTarget extends ConfigPlace {
  readonly environment: Environment
  readonly identity: IdentityMode
}

/** The rungs for one configuration. Throws `CONFIG_INVALID`. */
export async function ladderOf({ identity: mode, ...target }: CheckTarget): Promise<readonly Rung[]> {
  const { configDir, environment } = target
  const { settings } = await loadClientConfig(target)
  processSecrets.add(settings.cloud.token)
  processSecrets.add(settings.proxy?.password)
  const manager = await loadManagerConfig({ configDir, environment })
  const identity = new LadderIdentity(target, mode)
  // What the connection says by itself is said by the rungs.
  const log = Log.create({ clock: systemClock, sink: () => {}, level: 'error' })
  const parts = { settings, clock: systemClock, log }
  const { runtimeDir } = manager.settings
  const cloud = cloudRungs({ ...parts, identity, manager: managerOf(runtimeDir) })
  return [systemRung(), identity.rung, ...networkRungs(parts), ...cloud, diskRung(runtimeDir)]
}

const marks = { passed: 'ok  ', failed: 'FAIL', skipped: '-   ' }

function rungLines({ name, outcome, text, remedy }: RungReport): string {
  const line = `${marks[outcome]}  ${name.padEnd(12)}  ${text}\n`
  return remedy === undefined ? line : `${line}      ${' '.repeat(12)}  ${remedy}\n`
}
