import { systemClock } from '../../base/clock.ts'
import { Log } from '../../base/log.ts'
import { LogOutput } from '../../client/log-output.ts'
import { rootStep } from '../../manager/root/commands.ts'
import { ServiceNotifier } from '../../platform/process/service-notifier.ts'
import { onSignals } from '../../platform/process/signals.ts'
import { numberArg } from '../shell/args.ts'
import type { Command } from '../shell/command.ts'

/** systemd is told so often that an installation takes longer, and how much longer it may then take. */
const extendEveryMs = 60_000
const extendByUs = '600000000'
const longestWaitS = 7 * 86_400

export const command: Command = {
  name: 'root-step',
  summary: 'Do the step that a manager which is not root has asked root for.',
  description:
    'Run by the service of "service install --user NAME", as root, between two runs of the manager. It takes no order from ' +
    'its command line: /etc/device-cloud-root.cfg says what may be done, and a request file in the state folder what is.',
  flags: [
    { name: 'power-only', summary: 'Leave an installation for the next start.' },
    {
      name: 'patience',
      value: 'SECONDS',
      summary: 'How long to wait for a script that an earlier run has started (default: until it ends).',
    },
    { name: 'log-to-syslog', short: 's', summary: 'Log to syslog, not to stderr.' },
  ],
  async run(invocation) {
    const word = invocation.value('patience')
    const patienceS = word === undefined ? longestWaitS : numberArg('root-step', '--patience', word)
    const output = new LogOutput(systemClock)
    const log = Log.create({ clock: systemClock, sink: output.sink }).child('root')
    const stopping = new AbortController()
    const unlisten = onSignals({ stop: () => stopping.abort(), reload: () => {} })
    const listener = ServiceNotifier.take({ clock: systemClock, log })
    const stopTelling = listener === undefined ? undefined : extendStart(listener)
    try {
      const useSyslog = invocation.has('log-to-syslog')
      await output.open({ useSyslog, quiet: useSyslog }, 'device-cloud')
      await rootStep({
        powerOnly: invocation.has('power-only'),
        patienceMs: patienceS * 1000,
        clock: systemClock,
        log,
        signal: stopping.signal,
      })
      return 0
    } finally {
      stopTelling?.()
      unlisten()
      await output.close()
    }
  },
}

/** systemd gives a start ten minutes; an installation may take longer. */
function extendStart(listener: ServiceNotifier): () => void {
  let stop = () => {}
  const arm = () => {
    const timer = systemClock.timer(extendEveryMs, () => {
      listener.tell({ EXTEND_TIMEOUT_USEC: extendByUs, STATUS: 'root installs a package' })
      arm()
    })
    stop = () => timer.cancel()
  }
  arm()
  return () => stop()
}
