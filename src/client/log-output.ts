// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import type { Logger, LogRecord, LogSink } from '../base/log.ts'

/** The settings of the log. */
export interface LogSettings {
  readonly logFile?: string | undefined
  readonly useSyslog: boolean
  /** Nothing to standard error. */
  readonly quiet: boolean
}

/** How many lines are kept until the settings are known. */
const maxEarly = 100

/**
 * The destination of a client's log: the application's own logger, or the outputs that the settings name. Lines may come before
 * the configuration has been read, and are kept until then.
 */
export class LogOutput {
  readonly #clock: Clock
  #sinks: readonly LogSink[] | undefined
  #early: LogRecord[] = []
  readonly #closers: (() => Promise<void>)[] = []

  constructor(clock: Clock, logger?: Logger) {
    this.#clock = clock
    if (logger !== undefined) this.#sinks = [loggerSink(logger)]
  }

  /** The sink for the log. */
  readonly sink: LogSink = record => {
    if (this.#sinks !== undefined) for (const sink of this.#sinks) sink(record)
    else if (this.#early.length < maxEarly) this.#early.push(record)
  }

  /** Opens the outputs that the settings name. When one cannot be opened, the others work, and have a line about it. */
  async open(settings: LogSettings, tag: string): Promise<void> {
    if (this.#sinks !== undefined) return
    const sinks: LogSink[] = []
    const { logStream } = await import('../platform/log/log-stream.ts')
    if (!settings.quiet) sinks.push(logStream(process.stderr).sink)
    if (settings.logFile !== undefined) {
      const { LogFile } = await import('../platform/log/log-file.ts')
      const file = new LogFile({ path: settings.logFile, clock: this.#clock })
      this.#closers.push(() => file.close())
      sinks.push(file.sink)
    }
    let problem: string | undefined
    if (settings.useSyslog) {
      try {
        const { Syslog } = await import('../platform/log/syslog.ts')
        const syslog = await Syslog.open({ tag, clock: this.#clock })
        this.#closers.push(() => syslog.close())
        sinks.push(syslog.sink)
      } catch (error) {
        problem = messageOf(error)
      }
    }
    this.#use(sinks)
    if (problem !== undefined)
      this.sink({
        epochMs: this.#clock.now(),
        level: 'warn',
        component: 'log',
        message: 'no syslog',
        fields: { error: problem },
      })
  }

  /** Writes the lines that wait, and closes the outputs. */
  async close(): Promise<void> {
    this.#use([])
    await Promise.all(this.#closers.splice(0).map(close => close()))
  }

  #use(sinks: readonly LogSink[]): void {
    this.#sinks = sinks
    for (const record of this.#early.splice(0)) this.sink(record)
  }
}

/** A sink that passes lines to the application's own logger. An error that the logger throws must not reach the agent. */
function loggerSink(logger: Logger): LogSink {
  return ({ level, component, message, fields }) => {
    try {
      const text = `${component}: ${message}`
      const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
      if (level === 'trace') (logger.trace ?? logger.debug).call(logger, text, given)
      else logger[level](text, given)
    } catch {
      // The logger that throws is the only place where this could be logged.
    }
  }
}
