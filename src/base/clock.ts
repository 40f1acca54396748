// SPDX-License-Identifier: Apache-2.0
/** A pending timer. */
export interface Timer {
  /** Stops the timer; harmless when it has fired or was stopped before. */
  cancel(): void
}

export interface TimerOptions {
  /** A timer that must not keep the process alive (default false). */
  readonly background?: boolean
}

/**
 * Time and chance, handed in from outside so that tests can turn them by hand.
 * The wall clock of a device jumps (1970 at boot, NTP later); durations and deadlines use {@link monotonicMs} only.
 */
export interface Clock {
  /** Wall clock, milliseconds since 1970-01-01T00:00:00Z, with a fraction where the platform has one. May jump. */
  now(): number
  /** Milliseconds since an arbitrary start, the same for all processes of a boot; never goes back. */
  monotonicMs(): number
  /** A number in [0, 1). Not for secrets. */
  random(): number
  /** Calls `callback` once after `delayMs` (any length, also beyond the 24.8 days of a Node timer). */
  timer(delayMs: number, callback: () => void, options?: TimerOptions): Timer
}

/** Inserted by the build: the day of the commit. Absent when the program runs from its sources. */
declare const DEVICE_CLOUD_BUILT_MS: number | undefined

/** When this program was built; for a program that runs from its sources, a time before the first of them. */
const builtMs = typeof DEVICE_CLOUD_BUILT_MS === 'undefined' ? Date.UTC(2024, 0, 2) : DEVICE_CLOUD_BUILT_MS

/**
 * No clock that was set shows an earlier time: this program is younger. A device without a battery begins in 1970, or at the
 * date of its image. A day of grace is for clocks that were set by the time of another zone.
 */
export const earliestSetClockMs = builtMs - 86_400_000

const longestNodeTimerMs = 2 ** 31 - 1

function nodeTimer(delayMs: number, callback: () => void, options: TimerOptions = {}): Timer {
  let handle: NodeJS.Timeout
  const arm = (leftMs: number) => {
    const stepMs = Math.min(Math.max(leftMs, 0), longestNodeTimerMs)
    handle = setTimeout(() => (leftMs > stepMs ? arm(leftMs - stepMs) : callback()), stepMs)
    if (options.background) handle.unref()
  }
  arm(delayMs)
  return { cancel: () => clearTimeout(handle) }
}

/** From the start of the system to that of the process. */
const processStartMs = Number(process.hrtime.bigint()) / 1e6 - performance.now()

/** The real clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => processStartMs + performance.now(),
  random: () => Math.random(),
  timer: nodeTimer,
}
