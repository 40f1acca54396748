// SPDX-License-Identifier: Apache-2.0
import type { Clock, Timer } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { ServiceNotice } from '../../platform/process/service-notifier.ts'
import { Progress, type ProgressSigns, type Stall } from './progress.ts'

/** Gets the notices of the service: systemd, where it asks for them. */
export interface Listener {
  /** How soon a sign of life must come after the one before. */
  readonly watchdogMs: number | undefined
  notify(notice: ServiceNotice): void
  flush(): Promise<void>
}

/** What a manager shows of itself, from its start to its end. */
export interface Shown {
  /** Undefined while it has nothing to show. */
  signs(): ProgressSigns | undefined
  /** One line for a person. */
  text(): string
}

/** Between two looks without a watchdog, and at most with one. */
const longestPauseMs = 60_000
/** The link may go up and down often. */
const minBetweenTextsMs = 10_000

/**
 * Checks every minute whether the manager makes progress. While it does, the watchdog of systemd gets its sign of life; when it
 * is stalled, `onStall` is called once and the signs of life end: under any init system the process ends and is started again.
 * Only the watchdog sees a blocked event loop.
 */
export class LifeSigns {
  readonly #clock: Clock
  readonly #log: Log
  readonly #listener: Listener | undefined
  readonly #onStall: (stall: Stall) => void
  readonly #everyMs: number
  readonly #looksPerSign: number
  readonly #progress: Progress
  #shown: Shown | undefined
  #looks = 0
  #isReady = false
  #stall: Stall | undefined
  #look: Timer | undefined
  #notifiedText = ''
  #mayNotifyAtMs = 0
  #textTimer: Timer | undefined

  constructor(parts: {
    clock: Clock
    log: Log
    listener: Listener | undefined
    onStall: (stall: Stall) => void
  }) {
    this.#clock = parts.clock
    this.#log = parts.log
    this.#listener = parts.listener
    this.#onStall = parts.onStall
    const signEveryMs = (parts.listener?.watchdogMs ?? 2 * longestPauseMs) / 2
    this.#looksPerSign = Math.ceil(signEveryMs / longestPauseMs)
    this.#everyMs = signEveryMs / this.#looksPerSign
    this.#progress = new Progress(this.#everyMs, parts.clock.monotonicMs())
    this.#arm()
  }

  /** The manager starts `ms` later, because it waits first. */
  startsLater(ms: number): void {
    this.#listener?.notify({ EXTEND_TIMEOUT_USEC: String(Math.ceil((ms + startMs) * 1000)), STATUS: 'waits to start' })
  }

  /** The manager exists, and is watched from now on. It need not run yet. */
  watch(shown: Shown): void {
    this.#shown = shown
  }

  /** The manager runs; it need not have reached the cloud. */
  ready(): void {
    this.#isReady = true
    this.#notify({ READY: '1', ...(this.#listener?.watchdogMs === undefined ? {} : { WATCHDOG: '1' }) })
  }

  /** What the manager shows has changed. */
  changed(): void {
    if (this.#listener === undefined || this.#textTimer !== undefined || !this.#isReady) return
    const waitMs = Math.max(0, this.#mayNotifyAtMs - this.#clock.monotonicMs())
    this.#textTimer = this.#clock.timer(
      waitMs,
      () => {
        this.#textTimer = undefined
        if (this.#shown?.text() !== this.#notifiedText) this.#notify({})
      },
      { background: true },
    )
  }

  /** Does `work` while the service counts as reloading. */
  async reload(work: () => Promise<void>): Promise<void> {
    // systemd 253 and later compare it with the time of their own request.
    const nowUs = String(Math.ceil(this.#clock.monotonicMs() * 1000))
    this.#listener?.notify({ RELOADING: '1', MONOTONIC_USEC: nowUs })
    try {
      await work()
    } finally {
      this.ready()
    }
  }

  /** The manager ends for good. */
  stopping(): void {
    this.#listener?.notify({ STOPPING: '1', STATUS: 'ends' })
  }

  /** The manager ends: from now on the event loop alone is watched. */
  forget(): void {
    this.#shown = undefined
    this.#isReady = false
  }

  /** Ends the checks, and resolves when all notices are sent. */
  async close(): Promise<void> {
    this.#look?.cancel()
    this.#textTimer?.cancel()
    await this.#listener?.flush()
  }

  #arm(): void {
    // The timer keeps the process alive, so that one in which nothing happens any more is found stalled instead of ending quietly.
    this.#look = this.#clock.timer(this.#everyMs, () => this.#lookOnce())
  }

  #lookOnce(): void {
    this.#arm()
    const stall = this.#progress.look(this.#clock.monotonicMs(), this.#shown?.signs())
    if (stall !== undefined && this.#stall === undefined) {
      this.#stall = stall
      this.#log.error('the device manager is stalled', { ...stall })
      this.#onStall(stall)
    }
    if (this.#stall !== undefined) return
    this.#looks++
    if (this.#listener?.watchdogMs !== undefined && this.#looks % this.#looksPerSign === 0)
      this.#notify({ WATCHDOG: '1' })
    else this.changed()
  }

  /** Adds the text when it has changed. */
  #notify(notice: ServiceNotice): void {
    if (this.#listener === undefined) return
    const text = this.#isReady ? (this.#shown?.text() ?? '') : ''
    const isNews = text !== '' && text !== this.#notifiedText
    if (isNews) this.#mayNotifyAtMs = this.#clock.monotonicMs() + minBetweenTextsMs
    if (isNews) this.#notifiedText = text
    const full = { ...notice, ...(isNews ? { STATUS: text } : {}) }
    if (Object.keys(full).length > 0) this.#listener.notify(full)
  }
}

/** The longest start of a slow device. */
const startMs = 600_000
