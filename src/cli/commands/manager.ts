import { appIdFlag, configDirFlag, configFileFlag } from '../config/config-flags.ts'
import { runManager } from '../manager-process/manager-process.ts'
import { numberArg } from '../shell/args.ts'
import type { Command, Invocation } from '../shell/command.ts'
import { usage } from '../shell/flags.ts'
import { warnOfOrphans } from '../shell/warn-of-orphans.ts'

export const command: Command = {
  name: 'manager',
  summary: 'Run the device manager in the foreground until told to stop.',
  description:
    'SIGTERM, SIGINT and SIGQUIT end it in good order, a second one at once; SIGHUP reads the configuration again.',
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
  const word = invocation.value('delay-start')
  const delayS = word === undefined ? 0 : numberArg('manager', '--delay-start', word)
  if (delayS < 0) throw usage({ name: 'manager' }, `--delay-start must be 0 seconds or more, not ${delayS}`)
  return delayS * 1000
}
