// SPDX-License-Identifier: Apache-2.0
import { systemClock } from '../../base/clock.ts'
import { Log } from '../../base/log.ts'
import { LogOutput } from '../../client/log-output.ts'
import { rootStep } from '../../manager/root/commands.ts'
import { ServiceNotifier } from '../../platform/process/service-notifier.ts'
import { onSignals } from '../../platform/process/signals.ts'
import { numberFlag } from '../shell/args.ts'
import type { Command } from '../shell/command.ts'

/** How often systemd hears that an installation still runs, and how much more time it then gives. */
const extendEveryMs = 60_000
const extendByUs = '600000000'
const maxWaitS = 7 * 86_400

export const command: Command = {
  name: 'root-step',
  summary: 'Do the step that a manager without root rights has requested from root.',
  description:
    'The service of "service install --user NAME" runs it as root between two runs of the manager. Its command line gives no ' +
    'orders: /etc/device-cloud-root.cfg permits steps, and a request file in the state folder names the step.',
  flags: [
    { name: 'power-only', summary: 'Leave an installation to the next start.' },
    {
      name: 'patience',
      value: 'SECONDS',
      summary: 'How long to wait for a script that an earlier run started (default: until it ends).',
    },
    { name: 'log-to-syslog', short: 's', summary: 'Log to syslog, not to stderr.' },
  ],
  async run(invocation) {
    const patienceS = numberFlag('root-step', invocation, 'patience') ?? maxWaitS
    const output = new LogOutput(systemClock)
    const log = Log.create({ clock: systemClock, sink: output.sink }).child('root')
    const stopping = new AbortController()
    const unlisten = onSignals({ stop: () => stopping.abort(), reload: () => {} })
    const listener = ServiceNotifier.take({ clock: systemClock, log })
    const stopExtending = listener === undefined ? undefined : extendStart(listener)
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
      stopExtending?.()
      unlisten()
      await output.close()
    }
  },
}

/** Keeps extending the ten minutes that systemd gives a start, because an installation may take longer. Returns the end of that. */
function extendStart(listener: ServiceNotifier): () => void {
  let stop = () => {}
  const arm = () => {
    const timer = systemClock.timer(extendEveryMs, () => {
      listener.notify({ EXTEND_TIMEOUT_USEC: extendByUs, STATUS: 'root installs a package' })
      arm()
    })
    stop = () => timer.cancel()
  }
  arm()
  return () => stop()
}
