import { systemClock } from '../base/clock.ts'
import { Log } from '../base/log.ts'
import { findIdentity } from '../config/identity.ts'
import { loadClientConfig } from '../config/load.ts'
import { loadManagerConfig } from '../config/manager-config.ts'
import { type Environment, processEnvironment } from '../platform/process-facts.ts'
import type { Command } from './command.ts'
import { type ConfigPlace, configPlaceOf } from './config-flags.ts'
import { targetFlags } from './config-io.ts'
import { climbLadder, type Rung, type RungReport } from './ladder/climb.ts'
import { cloudRungs } from './ladder/cloud-rungs.ts'
import { diskRung } from './ladder/disk-rung.ts'
import { networkRungs } from './ladder/network-rungs.ts'
import { systemRung } from './ladder/system-rung.ts'
import { managerOf } from './manager-socket.ts'
import { hideInErrors } from './report-error.ts'

export const command: Command = {
  name: 'check',
  summary: 'Try the way to the cloud rung by rung: system, name, proxy, TCP, TLS, login and so on.',
  description: 'Each rung passes, or says why not and what to do. A device manager that runs is asked, not disturbed.',
  flags: targetFlags,
  async run(invocation, terminal) {
    const rungs = await ladderOf({ ...configPlaceOf(invocation), environment: processEnvironment() })
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
}

/** The rungs for one configuration. Throws `CONFIG_INVALID`. */
export async function ladderOf({ appId, configDir, configFile, environment }: CheckTarget): Promise<readonly Rung[]> {
  const { settings } = await loadClientConfig({ appId, configDir, configFile, environment })
  hideInErrors(settings.cloud.token)
  hideInErrors(settings.proxy?.password)
  const manager = await loadManagerConfig({ configDir, environment })
  const identity = await findIdentity({ configDir, appId })
  // What the connection says by itself is said by the rungs.
  const log = Log.create({ clock: systemClock, sink: () => {}, level: 'error' })
  const parts = { settings, clock: systemClock, log }
  const { runtimeDir } = manager.settings
  const cloud = cloudRungs({ ...parts, thingKey: identity?.thingKey ?? '', manager: managerOf(runtimeDir) })
  const possible = identity === undefined ? cloud.map(withoutIdentity) : cloud
  return [systemRung(), ...networkRungs(parts), ...possible, diskRung(runtimeDir)]
}

/** A check leaves nothing behind, so it makes no device id. */
function withoutIdentity(rung: Rung): Rung {
  if (rung.name === 'file service') return rung
  return { name: rung.name, climb: async () => ({ skip: 'there is no device_id yet; the device manager makes one' }) }
}

const marks = { passed: 'ok  ', failed: 'FAIL', skipped: '-   ' }

function rungLines({ name, outcome, text, remedy }: RungReport): string {
  const line = `${marks[outcome]}  ${name.padEnd(12)}  ${text}\n`
  return remedy === undefined ? line : `${line}      ${' '.repeat(12)}  ${remedy}\n`
}
