// SPDX-License-Identifier: Apache-2.0
import { systemClock } from '../../base/clock.ts'
import { AgentError } from '../../base/errors.ts'
import { Log } from '../../base/log.ts'
import { LogRing } from '../../base/log-ring.ts'
import { processSecrets } from '../../base/secrets.ts'
import { sleep } from '../../base/wait.ts'
import { LogOutput } from '../../client/log-output.ts'
import { type EndReason, Manager } from '../../manager/manager.ts'
import type { MemoryTimes } from '../../manager/memory/index.ts'
import type { TrialEnd } from '../../manager/ota/index.ts'
import { untilDown } from '../../manager/root/index.ts'
import { LifeSigns } from '../../manager/watchdog/index.ts'
import { combineSinks } from '../../platform/log/log-stream.ts'
import { rootStepExitCode } from '../../platform/process/exit-codes.ts'
import { isOnTrial } from '../../platform/process/own-executable.ts'
import { processEnvironment } from '../../platform/process/process-facts.ts'
import { takeReadyMark } from '../../platform/process/ready-mark.ts'
import { restartProcess } from '../../platform/process/restart-process.ts'
import { ServiceNotifier } from '../../platform/process/service-notifier.ts'
import { onSignals } from '../../platform/process/signals.ts'
import { onUnwatched } from '../../platform/process/watched-process.ts'
import type { Invocation } from '../shell/command.ts'
import { managerArgs } from './manager-args.ts'
import { preflightNewAgent, watchTrial } from './new-agent.ts'
import { ReloadRequests } from './reload-requests.ts'

/** The process exits when the manager has not closed by then. */
const closeDeadlineMs = 20_000
const clock = systemClock

/** Why a process ends: the first reason counts. */
type Ending = EndReason | 'signal' | 'stall'
/** Reasons after which this program starts anew, or the init system is to start it again. */
const comesAgain: readonly (Ending | undefined)[] = ['restart', 'memory', 'preflight', 'stall', 'no-link', 'root']

export interface ManagerProcessOptions {
  /** Before anything else. */
  readonly delayMs?: number
  /** Shorter times, for tests only. */
  readonly memoryTimes?: MemoryTimes
}

/** Runs a manager to its end, and restarts the process when it ended for that. Resolves to the exit code. */
export function runManager(invocation: Invocation, options: ManagerProcessOptions = {}): Promise<number> {
  return new ManagerProcess(invocation, options).run()
}

/** The life of a process that is a device manager: its signals, its trial runs, and how it ends. */
class ManagerProcess {
  readonly #invocation: Invocation
  readonly #options: ManagerProcessOptions
  readonly #ending = new AbortController()
  readonly #output = new LogOutput(clock)
  readonly #ring = new LogRing()
  readonly #log: Log
  readonly #life: LifeSigns
  readonly #unlisten: () => void
  readonly #markReady = takeReadyMark()
  #why: Ending | undefined
  readonly #reloads = new ReloadRequests()

  constructor(invocation: Invocation, options: ManagerProcessOptions) {
    this.#invocation = invocation
    this.#options = options
    this.#unlisten = onSignals({
      stop: () => {
        // A second signal: its sender does not want to wait.
        if (this.#why === 'signal') process.exit(1)
        this.#end('signal')
      },
      reload: () => this.#reloads.ask(),
    })
    if (isOnTrial()) onUnwatched(() => this.#end('signal'))
    this.#log = Log.create({ clock, sink: combineSinks([this.#ring.sink, this.#output.sink]) })
    // Before any child is started, which would inherit what is for this process.
    const listener = ServiceNotifier.take({ clock, log: this.#log.child('service') })
    const onStall = () => {
      this.#end('stall')
      // A stalled part may keep the manager from closing, or from having started.
      clock.timer(closeDeadlineMs, () => process.exit(1), { background: true })
    }
    this.#life = new LifeSigns({ clock, log: this.#log.child('manager'), listener, onStall })
  }

  async run(): Promise<number> {
    let trial: TrialEnd = 'end'
    try {
      await this.#wait(this.#options.delayMs ?? 0)
      await this.#untilDown()
      if (this.#why === undefined) trial = await this.#watchTrial()
      if (trial === 'old' && this.#why === undefined) await this.#manage()
      else if (trial !== 'new' || this.#isOver) this.#life.stopping()
      await this.#output.close()
    } finally {
      await this.#life.close()
      this.#unlisten()
    }
    if ((trial === 'new' && this.#why === undefined) || this.#goesOn) restartProcess()
    if (this.#why === 'stall')
      throw new AgentError('NO_PROGRESS', 'The device manager ends: it was stalled; the log names the part.')
    if (this.#why === 'no-link')
      throw new AgentError('NOT_CONNECTED', 'The device manager ends: no connection for keep_alive seconds.')
    return this.#why === 'root' ? rootStepExitCode : 0
  }

  /** Whether this program starts anew. One in its trial run ends with its result: the old executable continues. */
  get #goesOn(): boolean {
    return this.#why === 'restart' || this.#why === 'memory' || (this.#why === 'preflight' && !isOnTrial())
  }

  /** Whether it ends for good. */
  get #isOver(): boolean {
    return this.#why !== undefined && !comesAgain.includes(this.#why)
  }

  #end(reason: Ending): void {
    this.#why ??= reason
    this.#ending.abort()
  }

  async #wait(delayMs: number): Promise<void> {
    if (delayMs <= 0) return
    this.#life.startsLater(delayMs)
    await sleep(clock, delayMs, this.#ending.signal).catch(() => {})
  }

  /** No manager starts while the machine goes down because an earlier one asked root for that. */
  async #untilDown(): Promise<void> {
    const environment = processEnvironment()
    const onWait = (ms: number) => this.#life.startsLater(ms)
    await untilDown({ environment, clock, signal: this.#ending.signal, onWait }).catch(() => {})
  }

  /** During the trial run of the new executable of an update, that one does the work. */
  #watchTrial(): Promise<TrialEnd> {
    return watchTrial(this.#invocation, {
      clock,
      log: this.#log,
      output: this.#output,
      signal: this.#ending.signal,
      // For systemd this process is the service, whichever executable does the work.
      onBegin: () => this.#ready(),
      onReload: relay => {
        this.#reloads.servedBy(() => void this.#life.reload(async () => relay()))
      },
    })
  }

  async #manage(): Promise<void> {
    const life = this.#life
    this.#reloads.begin()
    const manager = await this.#open()
    life.watch(manager)
    try {
      await manager.start()
    } catch (error) {
      // Ended before it had started.
      if (!this.#isOver) throw error
      return life.stopping()
    }
    this.#ready()
    this.#reloads.servedBy(() => void life.reload(() => manager.reload()))
    await this.#ended()
    life.forget()
    if (this.#isOver) life.stopping()
    const deadline = clock.timer(closeDeadlineMs, () => process.exit(1), { background: true })
    await manager.close()
    deadline.cancel()
    if (this.#why === 'preflight' && !isOnTrial())
      await preflightNewAgent(this.#invocation, { runtimeDir: manager.runtimeDir, clock, log: this.#log })
  }

  /** Reports to the starter of this process that it runs. */
  #ready(): void {
    this.#life.ready()
    this.#markReady()
  }

  async #open(): Promise<Manager> {
    const args = managerArgs(this.#invocation)
    const { memoryTimes } = this.#options
    const manager = await Manager.open({
      ...args,
      clock,
      log: this.#log,
      recentLog: () => this.#ring.text(),
      onEnd: reason => this.#end(reason),
      signal: this.#ending.signal,
      onChange: () => this.#life.changed(),
      memoryTimes,
    })
    const { connectionSettings } = manager
    processSecrets.add(connectionSettings.cloud.token)
    processSecrets.add(connectionSettings.proxy?.password)
    await this.#output.open(manager.logSettings, args.appId)
    return manager
  }

  #ended(): Promise<void> {
    const { signal } = this.#ending
    return new Promise(resolve => {
      if (signal.aborted) resolve()
      else signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }
}
