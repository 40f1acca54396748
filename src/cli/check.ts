import { systemClock } from '../base/clock.ts'
import { Log } from '../base/log.ts'
import { loadClientConfig } from '../config/load.ts'
import { loadManagerConfig } from '../config/manager-config.ts'
import { type Environment, processEnvironment } from '../platform/process/process-facts.ts'
import { cloudChecks } from './checks/cloud-checks.ts'
import { diskCheck } from './checks/disk-check.ts'
import { CheckedIdentity, type IdentityMode } from './checks/identity-check.ts'
import { networkChecks } from './checks/network-checks.ts'
import { systemCheck } from './checks/system-check.ts'
import type { Command } from './command.ts'
import { type ConfigPlace, configPlaceOf } from './config-flags.ts'
import { targetFlags } from './config-io.ts'
import { managerOf } from './manager-socket.ts'
import { hideInErrors } from './report-error.ts'
import { type Check, type CheckReport, runChecks } from './run-checks.ts'

export const command: Command = {
  name: 'check',
  summary: 'Check each step of the way to the cloud: system, name, proxy, TCP, TLS, login and so on.',
  description:
    'Each check passes, or says why not and what to do. A device manager that runs is asked, not disturbed. Where there is no device_id yet it is made, as the device manager makes it.',
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
    const checks = await checksOf({ ...configPlaceOf(invocation), environment: processEnvironment(), identity })
    const isJson = invocation.has('json')
    const { reports, firstFailure } = await runChecks(checks, systemClock, report => {
      if (!isJson) terminal.out(reportLines(report))
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

/** The checks for one configuration. Throws `CONFIG_INVALID`. */
export async function checksOf({ identity: mode, ...target }: CheckTarget): Promise<readonly Check[]> {
  const { configDir, environment } = target
  const { settings } = await loadClientConfig(target)
  hideInErrors(settings.cloud.token)
  hideInErrors(settings.proxy?.password)
  const manager = await loadManagerConfig({ configDir, environment })
  const identity = new CheckedIdentity(target, mode)
  // What the connection says by itself is said by the checks.
  const log = Log.create({ clock: systemClock, sink: () => {}, level: 'error' })
  const parts = { settings, clock: systemClock, log }
  const { runtimeDir } = manager.settings
  const cloud = cloudChecks({ ...parts, identity, manager: managerOf(runtimeDir) })
  return [systemCheck(), identity.check, ...networkChecks(parts), ...cloud, diskCheck(runtimeDir)]
}

const marks = { passed: 'ok  ', failed: 'FAIL', skipped: '-   ' }

function reportLines({ name, outcome, text, remedy }: CheckReport): string {
  const line = `${marks[outcome]}  ${name.padEnd(12)}  ${text}\n`
  return remedy === undefined ? line : `${line}      ${' '.repeat(12)}  ${remedy}\n`
}
