// SPDX-License-Identifier: Apache-2.0
import type { Clock, Timer } from '../../base/clock.ts'
import type { JsonObject } from '../../base/json.ts'
import type { Log } from '../../base/log.ts'
import { afterCollection, type CollectionState, firstCollection, isCollectionDue } from './collection.ts'
import {
  inMegabytes,
  type MemoryEvents,
  type NoteFile,
  type RestartNote,
  readNote,
  writeNote,
} from './memory-events.ts'
import { nextPressure, type PressureOrder, type PressureState, type PressureTimes, pressureTimes } from './pressure.ts'

/** What runs in the manager now. */
export interface RunningWork {
  /** Actions, transfers and sessions of remote access. */
  readonly running: number
  readonly isUpdating: boolean
}

export interface MemoryTimes extends PressureTimes {
  readonly sampleMs: number
  /** Between samples while a restart waits for its moment. */
  readonly drainSampleMs: number
  /** After a restart for memory, no other one for so long. */
  readonly restartPauseMs: number
}

export const memoryTimes: MemoryTimes = {
  ...pressureTimes,
  sampleMs: 30_000,
  drainSampleMs: 5_000,
  restartPauseMs: 6 * 3_600_000,
}

export interface MemoryWatchParts {
  readonly clock: Clock
  readonly log: Log
  /** Private memory of this process in bytes; undefined where the system does not report it. */
  readonly read: () => Promise<number | undefined>
  readonly collect: () => Promise<boolean>
  /** Writes waiting samples to flash; resolves to whether a process that ended now would lose none. */
  readonly spill: () => Promise<boolean>
  readonly work: () => RunningWork
  readonly note: NoteFile
  readonly events: MemoryEvents
  /** Ends the manager for a restart. */
  readonly restart: () => void
  readonly times?: MemoryTimes | undefined
}

/** Watches the private memory of the manager: collects garbage when it is worth it, and keeps the soft limit (pressure.ts). */
export class MemoryWatch {
  readonly #parts: MemoryWatchParts
  readonly #times: MemoryTimes
  #limitBytes = 0
  #usedBytes: number | undefined
  #pressure: PressureState = { phase: 'calm' }
  #collection: CollectionState = firstCollection
  #restartedFor: RestartNote | undefined
  #notBeforeMs = Number.NEGATIVE_INFINITY
  #canNote = true
  #timer: Timer | undefined
  #stopped = false

  constructor(parts: MemoryWatchParts) {
    this.#parts = parts
    this.#times = parts.times ?? memoryTimes
  }

  /** The soft limit from now on; 0 = none. */
  setLimit(bytes: number): void {
    this.#limitBytes = bytes
  }

  /**
   * Begins to watch, and reports what the last process ended for. Never rejects.
   *
   * @param canNote whether the runtime folder takes a file: without one the next process would not know of a restart and
   * restart again, so no restart is ordered then
   */
  async start(canNote: boolean): Promise<void> {
    this.#canNote = canNote
    this.#schedule()
    try {
      await this.#reportLast(canNote)
    } catch (error) {
      this.#parts.log.error('restart for memory not reported', { error })
    }
  }

  async #reportLast(canNote: boolean): Promise<void> {
    const { clock, log, note, events } = this.#parts
    const left = canNote ? await readNote(note) : undefined
    if (left === undefined) return
    this.#restartedFor = left
    this.#notBeforeMs = clock.monotonicMs() + this.#times.restartPauseMs
    log.warn('the last process restarted because of its memory', { ...left })
    await events.restarted(left)
    await note.remove()
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** For `status`. */
  status(): JsonObject {
    const { clock } = this.#parts
    const state = this.#pressure
    return {
      ...(this.#usedBytes === undefined ? {} : { privateBytes: this.#usedBytes }),
      softLimitBytes: this.#limitBytes,
      pressure: state.phase,
      ...(state.phase === 'calm' ? {} : { aboveS: Math.round((clock.monotonicMs() - state.sinceMs) / 1000) }),
      ...(this.#restartedFor === undefined ? {} : { restartedFor: { ...this.#restartedFor } }),
    }
  }

  #schedule(): void {
    if (this.#stopped || this.#pressure.phase === 'ending') return
    const delayMs = this.#pressure.phase === 'draining' ? this.#times.drainSampleMs : this.#times.sampleMs
    const go = () =>
      void this.#sample()
        .catch(error => this.#parts.log.limited('memory', 'warn', 'memory not watched', { error }))
        .finally(() => this.#schedule())
    this.#timer = this.#parts.clock.timer(delayMs, go, { background: true })
  }

  async #sample(): Promise<void> {
    const { clock, read, work } = this.#parts
    const usedBytes = await read()
    if (usedBytes === undefined || this.#stopped) return
    this.#usedBytes = usedBytes
    const nowMs = clock.monotonicMs()
    const isAbove = this.#limitBytes > 0 && usedBytes > this.#limitBytes
    const sample = {
      ...work(),
      nowMs,
      usedBytes,
      limitBytes: this.#limitBytes,
      isSafe: isAbove && (await this.#parts.spill()),
      notBeforeMs: this.#canNote ? this.#notBeforeMs : Number.POSITIVE_INFINITY,
    }
    const { state, orders } = nextPressure(this.#pressure, sample, this.#times)
    // Before the orders: what they report is about the new state.
    this.#pressure = state
    for (const order of orders) await this.#carryOut(order, usedBytes)
    const isQuiet = sample.running === 0 && !sample.isUpdating
    if (!isAbove && isQuiet && isCollectionDue(this.#collection, nowMs, usedBytes)) await this.#collect(usedBytes)
    if (state.phase === 'draining' && !sample.isSafe)
      this.#parts.log.limited('memory unsafe', 'warn', 'the restart for memory waits: it would lose samples', {
        cause: 'queue.durability is memory and the cloud has not taken them, or the disk takes nothing',
      })
  }

  async #carryOut(order: PressureOrder, usedBytes: number): Promise<void> {
    const { log, events } = this.#parts
    const facts = { used: inMegabytes(usedBytes), memory_soft_limit: inMegabytes(this.#limitBytes) }
    switch (order) {
      case 'above':
        return log.warn('memory is above the soft limit: spilling to flash and collecting garbage', facts)
      case 'relieve':
        return this.#collect(usedBytes)
      case 'calm':
        return log.info('memory is below the soft limit again', facts)
      case 'drain':
        return log.warn('memory stays above the soft limit: restarting as soon as that interrupts nothing', facts)
      case 'hold':
        log.error('memory is above the soft limit again, and a restart does not help: none for hours', {
          ...facts,
          remedy: this.#canNote
            ? 'Raise memory_soft_limit, or report it with a diagnosis.'
            : 'Make runtime_dir writable.',
        })
        return events.held({ usedBytes, limitBytes: this.#limitBytes })
      case 'restart':
        return this.#restart(usedBytes)
    }
  }

  async #collect(beforeBytes: number): Promise<void> {
    const { clock, log, read, collect } = this.#parts
    const startMs = clock.monotonicMs()
    await collect()
    const nowMs = clock.monotonicMs()
    const afterBytes = (await read()) ?? beforeBytes
    this.#usedBytes = afterBytes
    this.#collection = afterCollection(this.#collection, { nowMs, beforeBytes, afterBytes })
    log.debug('garbage collected', {
      before: inMegabytes(beforeBytes),
      after: inMegabytes(afterBytes),
      ms: Math.round(nowMs - startMs),
    })
  }

  async #restart(usedBytes: number): Promise<void> {
    const { clock, log, note, restart } = this.#parts
    const state = this.#pressure
    const sinceMs = state.phase === 'calm' ? clock.monotonicMs() : state.sinceMs
    const left: RestartNote = {
      at: new Date(clock.now()).toISOString(),
      usedBytes,
      limitBytes: this.#limitBytes,
      aboveS: Math.round((clock.monotonicMs() - sinceMs) / 1000),
    }
    try {
      await writeNote(note, left)
    } catch (error) {
      // Without it the next process would not know, and restart again and again.
      log.error('no restart for memory: its note cannot be written', { error })
      this.#canNote = false
      this.#pressure = { phase: 'holding', sinceMs, relievedMs: clock.monotonicMs() }
      return
    }
    log.warn('restarting for memory', { ...left })
    restart()
  }
}
