// SPDX-License-Identifier: Apache-2.0
/**
 * What to do about memory above the soft limit. No timers, no I/O: the owner samples, and carries out the orders.
 * First what does no harm (spill, collect garbage); when that has not helped for long, an orderly restart at a moment when it
 * interrupts nothing; never twice in a row.
 */
export type PressureState =
  | { readonly phase: 'calm' }
  /** Above the limit; relief was tried. */
  | { readonly phase: 'above'; readonly sinceMs: number; readonly relievedMs: number }
  /** A restart is wanted, and waits until it interrupts and loses nothing. */
  | { readonly phase: 'draining'; readonly sinceMs: number; readonly drainingSinceMs: number }
  /** A restart is wanted, and the last one is too recent. */
  | { readonly phase: 'holding'; readonly sinceMs: number; readonly relievedMs: number }
  | { readonly phase: 'ending'; readonly sinceMs: number }

/** One look at the process; all times are monotonic. */
export interface PressureSample {
  readonly nowMs: number
  readonly usedBytes: number
  /** 0 = none. */
  readonly limitBytes: number
  /** Actions, transfers and sessions of remote access that run. */
  readonly running: number
  readonly isUpdating: boolean
  /** Whether a process that ended now would lose no sample. */
  readonly isSafe: boolean
  /** No restart before. */
  readonly notBeforeMs: number
}

/**
 * `relieve`: spill and collect. `restart`: end for a restart, with the reason kept. The others are for people: memory is
 * `above` the limit, a restart is decided (`drain`), or would come too soon (`hold`); memory is below it again (`calm`).
 */
export type PressureOrder = 'above' | 'relieve' | 'drain' | 'hold' | 'restart' | 'calm'

export interface PressureTimes {
  /** Above the limit for so long, in spite of all relief: a restart is wanted. */
  readonly patienceMs: number
  /** From one relief to the next, and while a restart is held back. */
  readonly relieveMs: number
  readonly holdRelieveMs: number
  /** What runs may delay a restart by this much. A software update may delay it for as long as it takes. */
  readonly drainMs: number
}

const minute = 60_000
export const pressureTimes: PressureTimes = {
  patienceMs: 10 * minute,
  relieveMs: 2 * minute,
  holdRelieveMs: 30 * minute,
  drainMs: 30 * minute,
}

export interface PressureStep {
  readonly state: PressureState
  readonly orders: readonly PressureOrder[]
}

/** State and sample → the next state, and what is to be done. */
export function nextPressure(state: PressureState, sample: PressureSample, times = pressureTimes): PressureStep {
  const { nowMs, usedBytes, limitBytes } = sample
  if (state.phase === 'ending') return { state, orders: [] }
  if (limitBytes === 0 || usedBytes <= limitBytes)
    return { state: { phase: 'calm' }, orders: state.phase === 'calm' ? [] : ['calm'] }
  switch (state.phase) {
    case 'calm':
      return { state: { phase: 'above', sinceMs: nowMs, relievedMs: nowMs }, orders: ['above', 'relieve'] }
    case 'above':
      if (nowMs - state.sinceMs >= times.patienceMs) return wantRestart(state.sinceMs, sample, times)
      return relieved(state, nowMs, times.relieveMs)
    case 'holding':
      if (nowMs >= sample.notBeforeMs) return wantRestart(state.sinceMs, sample, times)
      return relieved(state, nowMs, times.holdRelieveMs)
    case 'draining':
      return drain(state, sample, times)
  }
}

function wantRestart(sinceMs: number, sample: PressureSample, times: PressureTimes): PressureStep {
  const { nowMs, notBeforeMs } = sample
  if (nowMs < notBeforeMs)
    return { state: { phase: 'holding', sinceMs, relievedMs: nowMs }, orders: ['hold', 'relieve'] }
  const { state, orders } = drain({ phase: 'draining', sinceMs, drainingSinceMs: nowMs }, sample, times)
  return { state, orders: ['drain', ...orders] }
}

function drain(
  state: Extract<PressureState, { phase: 'draining' }>,
  sample: PressureSample,
  times: PressureTimes,
): PressureStep {
  const isQuiet = sample.running === 0 || sample.nowMs - state.drainingSinceMs >= times.drainMs
  // A sample that would be lost is worth more than the memory, however long the cloud is away.
  if (!isQuiet || sample.isUpdating || !sample.isSafe) return { state, orders: [] }
  return { state: { phase: 'ending', sinceMs: state.sinceMs }, orders: ['restart'] }
}

function relieved(state: Extract<PressureState, { relievedMs: number }>, nowMs: number, everyMs: number): PressureStep {
  if (nowMs - state.relievedMs < everyMs) return { state, orders: [] }
  return { state: { ...state, relievedMs: nowMs }, orders: ['relieve'] }
}
