import { systemClock } from '../base/clock.ts'
import { AgentError } from '../base/errors.ts'
import { Log } from '../base/log.ts'
import { LogRing } from '../base/log-ring.ts'
import { sleep } from '../base/wait.ts'
import { LogOutput } from '../client/log-output.ts'
import { LifeSigns } from '../manager/life-signs.ts'
import { type EndReason, Manager, type ManagerOptions } from '../manager/manager.ts'
import type { MemoryTimes } from '../manager/memory/memory-watch.ts'
import { combineSinks } from '../platform/log-stream.ts'
import { isOnTrial } from '../platform/own-executable.ts'
import { restartProcess } from '../platform/restart-process.ts'
import { ServiceNotifier } from '../platform/service-notifier.ts'
import { onSignals } from '../platform/signals.ts'
import { onUnwatched } from '../platform/watched-process.ts'
import type { Command, Invocation } from './command.ts'
import { usage } from './flags.ts'
import { configDirFlag } from './manager-socket.ts'
import { managerWords } from './manager-words.ts'
import { proveNewAgent, watchTrial } from './new-agent.ts'
import { numberWord } from './publish-sample.ts'
import { hideInErrors } from './report-error.ts'

/** A manager that has not ended in good order by then is ended. */
const closeDeadlineMs = 20_000
const clock = systemClock

export const command: Command = {
  name: 'manager',
  summary: 'Run the device manager in the foreground until told to stop.',
  description:
    'SIGTERM, SIGINT and SIGQUIT end it in good order, a second one at once; SIGHUP reads the configuration again.',
  flags: [
    { name: 'app-id', short: 'i', value: 'ID', summary: 'Name of the application (default: device_manager).' },
    configDirFlag,
    {
      name: 'config-file',
      short: 'f',
      value: 'FILE',
      summary: 'Name of the connection file in that folder (default: iot-connect.cfg).',
    },
    { name: 'log-to-file', short: 'l', summary: 'Log to device_manager.log in that folder.' },
    { name: 'log-to-syslog', short: 's', summary: 'Log to syslog.' },
    { name: 'delay-start', short: 'd', value: 'SECONDS', summary: 'Wait before starting.' },
  ],
  run: invocation => runManager(invocation),
}

/** Ends by itself or by a signal; what comes first counts. */
type Ending = EndReason | 'signal' | 'standstill'
/** Reasons after which this program goes on, or is to be started again. */
const comesAgain: readonly (Ending | undefined)[] = ['restart', 'memory', 'probation', 'standstill', 'no-link']

/** Runs a manager to its end, and starts it anew when it ended for that. Only tests have `memoryTimes` of their own. */
export async function runManager(invocation: Invocation, memoryTimes?: MemoryTimes): Promise<number> {
  const ending = new AbortController()
  let why: Ending | undefined
  let reload = () => {}
  const end = (reason: Ending) => {
    why ??= reason
    ending.abort()
  }
  const unlisten = onSignals({
    stop: () => {
      // The second one: whoever sends it does not want to wait.
      if (why === 'signal') process.exit(1)
      end('signal')
    },
    reload: () => reload(),
  })
  if (isOnTrial()) onUnwatched(() => end('signal'))
  const output = new LogOutput(clock)
  const ring = new LogRing()
  const log = Log.create({ clock, sink: combineSinks([ring.sink, output.sink]) })
  // Before anything is started that could get what is meant for this process.
  const listener = ServiceNotifier.take({ clock, log: log.child('service') })
  const onStandstill = () => {
    end('standstill')
    // Whatever stands still may keep it from ending in good order, or from having started.
    clock.timer(closeDeadlineMs, () => process.exit(1), { background: true })
  }
  const life = new LifeSigns({ clock, log: log.child('manager'), listener, onStandstill })
  try {
    const delayMs = delayOf(invocation)
    if (delayMs > 0) {
      life.startsLater(delayMs)
      await sleep(clock, delayMs, ending.signal).catch(() => {})
    }
    if (why !== undefined) return 0
    const trial = await watchTrial(invocation, {
      clock,
      log,
      output,
      signal: ending.signal,
      // For systemd this process is the service, whichever executable does the work.
      onBegin: () => life.ready(),
      onReload: relay => {
        reload = () => void life.reload(async () => relay())
      },
    })
    if (trial !== 'old') {
      if (trial === 'end') life.stopping()
      await output.close()
    }
    if (trial === 'end') return 0
    if (trial === 'new') {
      await life.close()
      restartProcess()
    }
    const manager = await openManager(invocation, output, {
      log,
      recentLog: () => ring.text(),
      onEnd: end,
      onChange: () => life.changed(),
      ...(memoryTimes === undefined ? {} : { memoryTimes }),
    })
    life.watch(manager)
    await manager.start()
    life.ready()
    reload = () => void life.reload(() => manager.reload())
    await ended(ending.signal)
    life.forget()
    if (!comesAgain.includes(why)) life.stopping()
    const deadline = clock.timer(closeDeadlineMs, () => process.exit(1), { background: true })
    await manager.close()
    deadline.cancel()
    if (why === 'probation' && !isOnTrial())
      await proveNewAgent(invocation, { runtimeDir: manager.runtimeDir, clock, log })
    await output.close()
  } finally {
    await life.close()
    unlisten()
  }
  // One on trial ends when it has its verdict: who watches it goes on.
  if (why === 'restart' || why === 'memory' || (why === 'probation' && !isOnTrial())) restartProcess()
  if (why === 'standstill')
    throw new AgentError('NO_PROGRESS', 'The device manager ends: it stood still; the log says what did.')
  if (why === 'no-link')
    throw new AgentError('NOT_CONNECTED', 'The device manager ends: no connection for keep_alive seconds.')
  return 0
}

function delayOf(invocation: Invocation): number {
  const word = invocation.value('delay-start')
  const delayS = word === undefined ? 0 : numberWord('manager', '--delay-start', word)
  if (delayS < 0) throw usage({ name: 'manager' }, `--delay-start must be 0 seconds or more, not ${delayS}`)
  return delayS * 1000
}

type OpenParts = Pick<ManagerOptions, 'log' | 'recentLog' | 'onEnd' | 'onChange' | 'memoryTimes'>

async function openManager(invocation: Invocation, output: LogOutput, parts: OpenParts): Promise<Manager> {
  const words = managerWords(invocation)
  const manager = await Manager.open({ ...words, clock, ...parts })
  const { connectionSettings } = manager
  hideInErrors(connectionSettings.cloud.token)
  hideInErrors(connectionSettings.proxy?.password)
  await output.open(connectionSettings, words.appId)
  return manager
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
