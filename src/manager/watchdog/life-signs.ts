import type { Clock, Timer } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { ServiceNotice } from '../../platform/process/service-notifier.ts'
import { Progress, type ProgressSigns, type Standstill } from './progress.ts'

/** Who is told how the service is: systemd, where it asked for it. */
export interface Listener {
  /** How soon a sign of life must come after the one before. */
  readonly watchdogMs: number | undefined
  notify(notice: ServiceNotice): void
  flush(): Promise<void>
}

/** What a manager shows, from its start to its end. */
export interface Shown {
  /** Undefined while it has nothing to show. */
  signs(): ProgressSigns | undefined
  /** One line for a person. */
  text(): string
}

/** Without a watchdog, and at most with one. */
const longestPauseMs = 60_000
/** The link may go up and down often. */
const minBetweenTextsMs = 10_000

/**
 * Looks every minute whether the manager gets on. While it does, the watchdog of systemd gets its sign of life; when it does
 * not, `onStandstill` is called once and the signs of life end: whatever init system is there, the process comes to its end
 * and is started again. A blocked event loop only the watchdog sees.
 */
export class LifeSigns {
  readonly #clock: Clock
  readonly #log: Log
  readonly #listener: Listener | undefined
  readonly #onStandstill: (standstill: Standstill) => void
  readonly #everyMs: number
  readonly #looksPerSign: number
  readonly #progress: Progress
  #shown: Shown | undefined
  #looks = 0
  #isReady = false
  #standstill: Standstill | undefined
  #look: Timer | undefined
  #toldText = ''
  #mayTellAtMs = 0
  #textTimer: Timer | undefined

  constructor(parts: {
    clock: Clock
    log: Log
    listener: Listener | undefined
    onStandstill: (standstill: Standstill) => void
  }) {
    this.#clock = parts.clock
    this.#log = parts.log
    this.#listener = parts.listener
    this.#onStandstill = parts.onStandstill
    const signEveryMs = (parts.listener?.watchdogMs ?? 2 * longestPauseMs) / 2
    this.#looksPerSign = Math.ceil(signEveryMs / longestPauseMs)
    this.#everyMs = signEveryMs / this.#looksPerSign
    this.#progress = new Progress(this.#everyMs, parts.clock.monotonicMs())
    this.#arm()
  }

  /** The manager takes `ms` longer to start than usual: it was told to wait. */
  startsLater(ms: number): void {
    this.#listener?.notify({ EXTEND_TIMEOUT_USEC: String(Math.ceil((ms + startMs) * 1000)), STATUS: 'waits to start' })
  }

  /** The manager is there, and shows what it does from now on. It need not run yet. */
  watch(shown: Shown): void {
    this.#shown = shown
  }

  /** The manager runs: whether it has reached the cloud is another question. */
  ready(): void {
    this.#isReady = true
    this.#tell({ READY: '1', ...(this.#listener?.watchdogMs === undefined ? {} : { WATCHDOG: '1' }) })
  }

  /** What the manager shows has changed. */
  changed(): void {
    if (this.#listener === undefined || this.#textTimer !== undefined || !this.#isReady) return
    const waitMs = Math.max(0, this.#mayTellAtMs - this.#clock.monotonicMs())
    this.#textTimer = this.#clock.timer(
      waitMs,
      () => {
        this.#textTimer = undefined
        if (this.#shown?.text() !== this.#toldText) this.#tell({})
      },
      { background: true },
    )
  }

  /** Does `work` while the service counts as reloading. */
  async reload(work: () => Promise<void>): Promise<void> {
    // Version 253 and later compare it with the time of their order.
    const nowUs = String(Math.ceil(this.#clock.monotonicMs() * 1000))
    this.#listener?.notify({ RELOADING: '1', MONOTONIC_USEC: nowUs })
    try {
      await work()
    } finally {
      this.ready()
    }
  }

  /** The manager ends because it is meant to; another start is not on its mind. */
  stopping(): void {
    this.#listener?.notify({ STOPPING: '1', STATUS: 'ends' })
  }

  /** From now on the event loop alone is judged: the manager has nothing more to show. */
  forget(): void {
    this.#shown = undefined
    this.#isReady = false
  }

  /** Looks no more, and resolves when everything is told. */
  async close(): Promise<void> {
    this.#look?.cancel()
    this.#textTimer?.cancel()
    await this.#listener?.flush()
  }

  #arm(): void {
    // It keeps the process alive, so that one in which nothing happens any more is seen, instead of ending as if all were done.
    this.#look = this.#clock.timer(this.#everyMs, () => this.#lookOnce())
  }

  #lookOnce(): void {
    this.#arm()
    const standstill = this.#progress.look(this.#clock.monotonicMs(), this.#shown?.signs())
    if (standstill !== undefined && this.#standstill === undefined) {
      this.#standstill = standstill
      this.#log.error('the device manager stands still', { ...standstill })
      this.#onStandstill(standstill)
    }
    if (this.#standstill !== undefined) return
    this.#looks++
    if (this.#listener?.watchdogMs !== undefined && this.#looks % this.#looksPerSign === 0)
      this.#tell({ WATCHDOG: '1' })
    else this.changed()
  }

  /** With the text, when that has changed. */
  #tell(notice: ServiceNotice): void {
    if (this.#listener === undefined) return
    const text = this.#isReady ? (this.#shown?.text() ?? '') : ''
    const isNews = text !== '' && text !== this.#toldText
    if (isNews) this.#mayTellAtMs = this.#clock.monotonicMs() + minBetweenTextsMs
    if (isNews) this.#toldText = text
    const words = { ...notice, ...(isNews ? { STATUS: text } : {}) }
    if (Object.keys(words).length > 0) this.#listener.notify(words)
  }
}

/** What a start takes at most on a slow device. */
const startMs = 600_000
