// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { fileFacts } from '../files/file-facts.ts'
import { type Environment, processId, withhold } from './process-facts.ts'
import { runProgram } from './program.ts'

/** A message for systemd: names and values of sd_notify(3). */
export type ServiceNotice = Readonly<Record<string, string>>

const variables = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']
/** Where systemd installs the program; tests have another place. */
const standardPlaces = ['/usr/bin/systemd-notify', '/bin/systemd-notify']
/** From version 246 the program waits until systemd has read the message: 5 s at most. */
const timeoutMs = 10_000
/** Messages that wait; later ones are merged into the last. */
const maxWaiting = 8
/** Two of these in one message would lose their order. */
const states = ['READY', 'RELOADING', 'STOPPING']

/**
 * Reports the state of the service to systemd. Its socket takes datagrams, which Node cannot send, so the program `systemd-notify`
 * sends them: one at a time, in order. As root it sends in the name of its parent, so that systemd knows the sender even when the
 * program has ended before the message is read; other users need version 246 or later.
 */
export class ServiceNotifier {
  /** The longest time between two life signs; undefined when systemd does not watch this process. */
  readonly watchdogMs: number | undefined
  readonly #socket: string
  readonly #clock: Clock
  readonly #log: Log
  readonly #places: readonly string[]
  #waiting: ServiceNotice[] = []
  #sending: Promise<void> | undefined

  private constructor(
    environment: Environment,
    parts: { clock: Clock; log: Log; places?: readonly string[] | undefined },
  ) {
    this.#socket = environment.NOTIFY_SOCKET ?? ''
    this.#clock = parts.clock
    this.#log = parts.log
    this.#places = parts.places ?? standardPlaces
    this.watchdogMs = watchdogMs(environment)
  }

  /**
   * Takes the variables of systemd for this process out of the environment; undefined when systemd does not listen.
   *
   * @param parts.places where `systemd-notify` may be
   */
  static take(parts: { clock: Clock; log: Log; places?: readonly string[] }): ServiceNotifier | undefined {
    const environment = withhold(variables)
    return environment.NOTIFY_SOCKET ? new ServiceNotifier(environment, parts) : undefined
  }

  /** Sends a message after the earlier ones. Never throws: a failure is logged. */
  notify(notice: ServiceNotice): void {
    const last = this.#waiting.at(-1)
    const mayJoin = last !== undefined && !(hasState(last) && hasState(notice))
    if (mayJoin || this.#waiting.length >= maxWaiting) this.#waiting.push({ ...this.#waiting.pop(), ...notice })
    else this.#waiting.push(notice)
    this.#sending ??= this.#sendAll()
  }

  /** Resolves when all messages are sent. */
  async flush(): Promise<void> {
    await this.#sending
  }

  async #sendAll(): Promise<void> {
    for (let notice = this.#waiting.shift(); notice !== undefined; notice = this.#waiting.shift())
      await this.#run(notice).catch(error => {
        const remedy = 'Run "device-cloud service install" again: it sees what this system has.'
        this.#log.limited('systemd-notify', 'error', 'systemd was not notified', { error: messageOf(error), remedy })
      })
    this.#sending = undefined
  }

  async #run(notice: ServiceNotice): Promise<void> {
    const file = await this.#program()
    const args = Object.entries(notice).map(([name, value]) => `${name}=${oneLine(value)}`)
    const outcome = await runProgram({
      file,
      args,
      environment: 'clean',
      variables: { NOTIFY_SOCKET: this.#socket },
      timeoutMs,
      maxOutputBytes: 1024,
      clock: this.#clock,
    })
    if (outcome.exitCode === 0) return
    const how =
      outcome.ended === 'timeout' ? `it did not end within ${timeoutMs / 1000} s` : `exit code ${outcome.exitCode}`
    throw new Error(`${file}: ${how}: ${`${outcome.stderr}${outcome.stdout}`.trim()}`)
  }

  async #program(): Promise<string> {
    for (const place of this.#places) if ((await fileFacts(place))?.kind === 'file') return place
    throw new Error(`${this.#places.join(' and ')} do not exist`)
  }
}

function watchdogMs({ WATCHDOG_USEC: time = '', WATCHDOG_PID: pid }: Environment): number | undefined {
  // The watchdog watches another process of the service.
  if (pid !== undefined && Number(pid) !== processId()) return undefined
  return /^[1-9]\d{0,15}$/.test(time) ? Number(time) / 1000 : undefined
}

function hasState(notice: ServiceNotice): boolean {
  return states.some(name => name in notice)
}

/** A line break would begin another variable of the message. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this removes
  return text.replace(/[\u0000-\u001f\u007f]+/g, ' ').slice(0, 512)
}
