// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process'
import type { Clock } from '../../base/clock.ts'
import { AgentError } from '../../base/errors.ts'
import { formatLogRecord, type LogLevel, type LogRecord } from '../../base/log.ts'
import { findProgram } from '../process/find-program.ts'

export interface SyslogOptions {
  /** The name that syslog shows before each line. */
  readonly tag: string
  readonly clock: Clock
  /** Where `logger` is looked for; only tests have other folders. */
  readonly folders?: readonly string[]
}

type Severity = 'err' | 'warning' | 'info' | 'debug'

const severities: Readonly<Record<LogLevel, Severity>> = {
  error: 'err',
  warn: 'warning',
  info: 'info',
  debug: 'debug',
  trace: 'debug',
}
const standardFolders = ['/usr/bin', '/bin', '/usr/sbin', '/sbin']
const maxWaitingBytes = 64 * 1024
const restartPauseMs = 10_000
/** syslogd of BusyBox cuts lines at 1024 bytes or less; a longer one would arrive as pieces without a time. */
const maxLineBytes = 900

/**
 * Log lines for syslog. /dev/log is a datagram socket, which Node cannot speak, so the lines go to the standard input of `logger`,
 * which BusyBox and util-linux have: one long-lived process for each severity that occurs, because BusyBox takes the severity only as
 * an argument. They end with the agent, also when it is killed, because their input closes.
 */
export class Syslog {
  readonly #logger: string
  readonly #tag: string
  readonly #clock: Clock
  readonly #children = new Map<Severity, ChildProcess>()
  readonly #pausedUntilMs = new Map<Severity, number>()
  #lost = 0
  #closed = false

  private constructor(logger: string, options: SyslogOptions) {
    this.#logger = logger
    this.#tag = options.tag
    this.#clock = options.clock
  }

  /** Throws `NOT_SUPPORTED` when this system has no `logger`. */
  static async open(options: SyslogOptions): Promise<Syslog> {
    const path = await findProgram('logger', options.folders ?? standardFolders)
    if (path !== undefined) return new Syslog(path, options)
    throw new AgentError('NOT_SUPPORTED', 'Cannot log to syslog: this system has no program "logger".', {
      remedy: 'Install it, or log to a file (log_file).',
    })
  }

  /** Takes a record; the sink of syslog. Never throws. */
  readonly sink = (record: LogRecord): void => {
    const severity = severities[record.level]
    const input = this.#childFor(severity)?.stdin
    if (input === null || input === undefined || !input.writable || input.writableLength > maxWaitingBytes) {
      this.#lost++
      return
    }
    // syslog stamps each line itself.
    const line = Buffer.from(formatLogRecord(record).replace(/^\S+ /, ''))
    input.write(Buffer.concat([line.subarray(0, maxLineBytes), newLine]))
  }

  lostLines(): number {
    return this.#lost
  }

  /** Lets the processes write what they have and waits for their end. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(
      [...this.#children.values()].map(
        child =>
          new Promise<void>(resolve => {
            const timer = this.#clock.timer(2_000, () => child.kill('SIGKILL'))
            child.once('close', () => {
              timer.cancel()
              resolve()
            })
            child.ref()
            child.stdin?.end()
          }),
      ),
    )
  }

  #childFor(severity: Severity): ChildProcess | undefined {
    const running = this.#children.get(severity)
    if (running !== undefined || this.#closed) return running
    const nowMs = this.#clock.monotonicMs()
    if (nowMs < (this.#pausedUntilMs.get(severity) ?? 0)) return undefined
    this.#pausedUntilMs.set(severity, nowMs + restartPauseMs)
    const args = ['-t', this.#tag, '-p', `daemon.${severity}`]
    const child = spawn(this.#logger, args, { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
    const forget = () => {
      if (this.#children.get(severity) === child) this.#children.delete(severity)
    }
    child.on('error', forget)
    child.on('exit', forget)
    child.stdin.on('error', () => {
      this.#lost++
    })
    // These processes must not keep the agent alive.
    child.unref()
    this.#children.set(severity, child)
    return child
  }
}

const newLine = Buffer.from('\n')
