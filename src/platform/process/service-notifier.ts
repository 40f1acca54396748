import type { Clock } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { fileFacts } from '../files/file-facts.ts'
import { type Environment, processId, withhold } from './process-facts.ts'
import { runProgram } from './program.ts'

/** What systemd is told: names and values of sd_notify(3). */
export type ServiceNotice = Readonly<Record<string, string>>

const variables = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']
/** Where systemd has it; only tests have another place. */
const standardPlaces = ['/usr/bin/systemd-notify', '/bin/systemd-notify']
/** From version 246 the program waits until systemd has read the message: 5 s at most. */
const timeoutMs = 10_000
/** Notices of one state each; what comes beyond is joined to the last. */
const maxWaiting = 8
/** Two of these in one message would lose their order. */
const states = ['READY', 'RELOADING', 'STOPPING']

/**
 * Tells systemd how the service is. Its socket takes datagrams, which Node cannot send, so the program `systemd-notify` does:
 * one at a time, in order. As root it speaks in the name of its parent, so that systemd knows whose message it is even when
 * the program has ended before the message is read; for other users version 246 or later is needed.
 */
export class ServiceNotifier {
  /** How soon a sign of life must come after the one before; undefined when systemd does not watch this process. */
  readonly watchdogMs: number | undefined
  readonly #socket: string
  readonly #clock: Clock
  readonly #log: Log
  readonly #places: readonly string[]
  #waiting: ServiceNotice[] = []
  #telling: Promise<void> | undefined

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
   * Takes what systemd has put into the environment for this process; undefined when nothing of systemd listens.
   *
   * @param parts.places where `systemd-notify` may be
   */
  static take(parts: { clock: Clock; log: Log; places?: readonly string[] }): ServiceNotifier | undefined {
    const environment = withhold(variables)
    return environment.NOTIFY_SOCKET ? new ServiceNotifier(environment, parts) : undefined
  }

  /** Tells it as soon as what was said before is told. Never throws: a failure is logged. */
  tell(notice: ServiceNotice): void {
    const last = this.#waiting.at(-1)
    const mayJoin = last !== undefined && !(hasState(last) && hasState(notice))
    if (mayJoin || this.#waiting.length >= maxWaiting) this.#waiting.push({ ...this.#waiting.pop(), ...notice })
    else this.#waiting.push(notice)
    this.#telling ??= this.#tellAll()
  }

  /** Resolves when everything is told. */
  async told(): Promise<void> {
    await this.#telling
  }

  async #tellAll(): Promise<void> {
    for (let notice = this.#waiting.shift(); notice !== undefined; notice = this.#waiting.shift())
      await this.#run(notice).catch(error => {
        const remedy = 'Run "device-cloud service install" again: it sees what this system has.'
        this.#log.limited('systemd-notify', 'error', 'systemd is not told', { why: messageOf(error), remedy })
      })
    this.#telling = undefined
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
    throw new Error(`${this.#places.join(' and ')} are not there`)
  }
}

function watchdogMs({ WATCHDOG_USEC: time = '', WATCHDOG_PID: pid }: Environment): number | undefined {
  // Another process of the service is meant.
  if (pid !== undefined && Number(pid) !== processId()) return undefined
  return /^[1-9]\d{0,15}$/.test(time) ? Number(time) / 1000 : undefined
}

function hasState(notice: ServiceNotice): boolean {
  return states.some(name => name in notice)
}

/** A line break would begin another word of the message. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this removes
  return text.replace(/[\u0000-\u001f\u007f]+/g, ' ').slice(0, 512)
}
