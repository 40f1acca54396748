// SPDX-License-Identifier: Apache-2.0
import { appIdFlag, configDirFlag, configFileFlag } from '../config/config-flags.ts'
import { runManager } from '../manager-process/manager-process.ts'
import { numberFlag } from '../shell/args.ts'
import type { Command, Invocation } from '../shell/command.ts'
import { usage } from '../shell/flags.ts'
import { warnOfOrphans } from '../shell/warn-of-orphans.ts'

export const command: Command = {
  name: 'manager',
  summary: 'Run the device manager in the foreground until a signal stops it.',
  description:
    'SIGTERM, SIGINT and SIGQUIT shut it down, and a second one ends it at once. SIGHUP reloads the configuration.',
  flags: [
    appIdFlag,
    configDirFlag,
    configFileFlag,
    { name: 'log-to-file', short: 'l', summary: 'Log to device_manager.log in that folder.' },
    { name: 'log-to-syslog', short: 's', summary: 'Log to syslog.' },
    { name: 'delay-start', short: 'd', value: 'SECONDS', summary: 'Wait before starting.' },
  ],
  run: (invocation, terminal) => {
    const delayMs = delayOf(invocation)
    warnOfOrphans(terminal)
    return runManager(invocation, { delayMs })
  },
}

function delayOf(invocation: Invocation): number {
  const delayS = numberFlag('manager', invocation, 'delay-start') ?? 0
  if (delayS < 0) throw usage({ name: 'manager' }, `--delay-start must be 0 seconds or more, not ${delayS}`)
  return delayS * 1000
}
