// SPDX-License-Identifier: Apache-2.0
import { backoffMs } from '../../../base/backoff.ts'
import type { Clock } from '../../../base/clock.ts'
import { AgentError, messageOf } from '../../../base/errors.ts'
import type { Log } from '../../../base/log.ts'
import { sleep, waitFor } from '../../../base/wait.ts'
import { fileFacts } from '../../../platform/files/file-facts.ts'
import { trialEnvironment } from '../../../platform/process/own-executable.ts'
import { type ProcessLock, takeProcessLock } from '../../../platform/process/process-lock.ts'
import { startWatched, untilGone, type WatchedEnd } from '../../../platform/process/watched-process.ts'
import { storeFolder } from '../../../platform/store/store-folder.ts'
import { WriteBudget } from '../../../platform/store/write-budget.ts'
import { readBootId } from '../../../platform/system/system-facts.ts'
import { Status } from '../../../protocol/status.ts'
import {
  hasSucceeded,
  isTrial,
  nextState,
  UpdateJournal,
  type UpdatePlaces,
  type UpdateState,
  updatePlaces,
  whyNotSound,
  whyNotStarted,
} from '../state/index.ts'
import type { AgentSlot } from './agent-slot.ts'
import { TrialRecord } from './trial-record.ts'

/** How a trial run ended, for the process of the old executable. */
export type TrialEnd =
  /** There is none, or the old executable continues; only the journal says that there was one. */
  | 'old'
  /** The new executable is in place: it is to be started. */
  | 'new'
  /** This process is to end, or the device was decommissioned. */
  | 'end'

export interface TrialParts {
  readonly slot: AgentSlot
  readonly runtimeDir: string
  /** The arguments of the new executable. */
  readonly args: readonly string[]
  readonly clock: Clock
  readonly log: Log
  /** Fires when this process is to end. */
  readonly signal: AbortSignal
  /** The new executable is about to be started; from now on this process only watches. */
  readonly onBegin: () => void
  /** Takes the function that passes on an order to read the configuration again. */
  readonly onReload: (reload: () => void) => void
}

/** How often the new executable, or the machine with it, may end without a result. */
export const maxStarts = 3
/** Between two starts. */
const pause = { firstMs: 1_000, maxMs: 60_000 }
/** How long the new executable may take to close; a manager takes 20 seconds at most. */
const endMs = 25_000
/** For the start of the manager, and for a machine that is slow to go down. */
const spareMs = 15 * 60_000

/**
 * The trial run: starts the new executable of an update as the manager, and watches it until there is a result. The old one is
 * in place until then: init starts it, and it starts the new one. When that does not start, ends again and again, hangs, or
 * fails its health check, the old one continues. No init system takes part, and after a power cut all of this begins again
 * with a start of the old one.
 *
 * @throws AgentError `ALREADY_RUNNING`: another process watches it
 */
export async function runTrial(parts: TrialParts): Promise<TrialEnd> {
  const { slot, runtimeDir, log } = parts
  const places = updatePlaces(runtimeDir)
  const journal = new UpdateJournal({ folder: storeFolder(places.stateFolder, new WriteBudget()), log })
  let lock: ProcessLock | undefined
  try {
    if (slot.onTrial || !(await slot.hasCandidate())) return 'old'
    const unsound = (await whyNotSound(places)) ?? (await whyNotStarted(slot.candidate))
    if (unsound !== undefined) {
      log.error('a new agent waits, and is not started: the old one continues', { error: unsound })
      return 'old'
    }
    const state = await journal.last()
    if (state === undefined || !(isTrial(state) || (await mayTakeItsPlace(state, places)))) return 'old'
    lock = await takeProcessLock(places.trialLock)
    return await new Trial(parts, places, journal).run(state)
  } catch (error) {
    if (lock === undefined && error instanceof AgentError && error.code === 'ALREADY_RUNNING') throw watchedBy(error)
    // Also with a broken disk: a device without any agent would be the worst result.
    log.error('the trial run of the new agent was interrupted: its record cannot be read or written', { error })
    return 'old'
  } finally {
    await journal.close().catch(() => {})
    await lock?.release().catch(() => {})
  }
}

function watchedBy({ details, message }: AgentError): AgentError {
  const text = `Another device manager watches the trial run of a new agent: ${message}`
  return new AgentError('ALREADY_RUNNING', text, { details })
}

/**
 * Whether the new executable takes its place. A build without such trial runs does not end at its result: it continues as the
 * manager and reports its success to the cloud. As it is the one that runs, it is the one that stays.
 */
async function mayTakeItsPlace(state: UpdateState, { trial }: UpdatePlaces): Promise<boolean> {
  if (state.step === 'adopt') return true
  return hasSucceeded(state) && (await new TrialRecord(trial).of(state.request.id)).starts > 0
}

class Trial {
  readonly #parts: TrialParts
  readonly #places: UpdatePlaces
  readonly #journal: UpdateJournal
  readonly #record: TrialRecord

  constructor(parts: TrialParts, places: UpdatePlaces, journal: UpdateJournal) {
    this.#parts = parts
    this.#places = places
    this.#journal = journal
    this.#record = new TrialRecord(places.trial)
  }

  /** See {@link runTrial}. The record is removed when the trial run is over. */
  async run(first: UpdateState): Promise<TrialEnd> {
    const end = await this.#watch(first)
    const { log } = this.#parts
    if (end !== 'end')
      await this.#record.remove().catch(error => log.warn('the record of the trial run was not removed', { error }))
    return end
  }

  async #watch(first: UpdateState): Promise<TrialEnd> {
    const { signal, log, clock, onBegin } = this.#parts
    onBegin()
    for (let state = await this.#afterEarlierOne(first), last = ''; ; ) {
      if (state.step === 'adopt' || hasSucceeded(state)) return await this.#putInPlace(state)
      if (!isTrial(state)) return 'old'
      const trials = await this.#record.of(state.request.id)
      if (trials.starts >= maxStarts)
        return await this.#fail(state, `it ended ${trials.starts} times before it had a result${last}`)
      await this.#record.write({ id: trials.id, starts: trials.starts + 1 })
      log.info('trial run of the new agent as the manager begins', { start: trials.starts + 1 })
      const end = await this.#once(state, trials)
      const left = await this.#journal.last()
      if (left === undefined) return await this.#forgotten()
      // An orderly end is no failure of the new executable.
      if (end === 'stopped') {
        await this.#record.write({ id: trials.id, starts: trials.starts })
        return left.step === 'adopt' || hasSucceeded(left) ? await this.#putInPlace(left) : 'end'
      }
      state = left
      if (!isTrial(state)) continue
      if (end === 'hung') return await this.#fail(state, 'it had no result in time')
      last = `, the last time with ${how(end)}`
      log.warn('the new agent ended before its trial run had a result', { exitCode: end.exitCode, signal: end.signal })
      if (trials.starts + 1 >= maxStarts) continue
      try {
        await sleep(clock, backoffMs(pause, trials.starts, clock.random()), signal)
      } catch {
        return 'end'
      }
    }
  }

  /** The state after the end of a new executable that outlived its watcher: its stdin ends then, and it may still write. */
  async #afterEarlierOne(found: UpdateState): Promise<UpdateState> {
    const { mark } = await this.#record.of(found.request.id)
    if (mark === undefined) return found
    await untilGone(mark, endMs, this.#parts.clock)
    return (await this.#journal.last()) ?? found
  }

  /** One run of the new executable. */
  async #once(
    state: UpdateState,
    trials: { readonly id: string; readonly starts: number },
  ): Promise<WatchedEnd | 'hung' | 'stopped'> {
    const { slot, args, clock, signal, onReload } = this.#parts
    if (signal.aborted) return 'stopped'
    let child: Awaited<ReturnType<typeof startWatched>>
    try {
      child = await startWatched(slot.candidate, args, trialEnvironment(state.trial ?? 1))
    } catch (error) {
      // It does not even start: the message has the reason.
      return { lastWords: messageOf(error) }
    }
    let isHung = false
    const timer = clock.timer(longestMs(state), () => {
      isHung = true
      child.kill()
    })
    onReload(child.reload)
    try {
      await this.#record.write({ ...trials, starts: trials.starts + 1, mark: child.mark })
      const end = await waitFor<WatchedEnd>(signal, resolve => void child.ended.then(resolve))
      return isHung ? 'hung' : end
    } catch (error) {
      // This process is to end, or the disk takes nothing.
      child.release()
      const late = clock.timer(endMs, child.kill)
      await child.ended
      late.cancel()
      if (signal.aborted) return 'stopped'
      throw error
    } finally {
      timer.cancel()
      onReload(() => {})
    }
  }

  /** The journal is gone: the device was decommissioned, or else the journal is damaged. */
  async #forgotten(): Promise<TrialEnd> {
    const wasLeft = (await fileFacts(this.#places.stateFolder)) !== undefined
    await this.#parts.slot.discard()
    return wasLeft ? 'old' : 'end'
  }

  /** Puts the new executable in place. */
  async #putInPlace(state: UpdateState): Promise<TrialEnd> {
    const { slot, log } = this.#parts
    try {
      await slot.commit()
    } catch (error) {
      if (!hasSucceeded(state)) return await this.#fail(state, `it cannot be put in place: ${messageOf(error)}`)
      log.error('the new agent has reported its success and cannot be put in place; the old one continues', { error })
      return 'old'
    }
    log.info('the trial run of the new agent succeeded, and it is in place')
    return 'new'
  }

  /** The update has failed; the old executable continues with it. */
  async #fail(state: UpdateState, why: string): Promise<TrialEnd> {
    const { log } = this.#parts
    log.error('the trial run of the new agent failed; the old one continues', { error: why })
    const text = `the trial run of the new agent as the device manager failed: ${why}`
    const result = { kind: 'failed', status: Status.ExecutionError, text } as const
    await this.#journal.begin(nextState({ ...state, step: 'agent' }, result, await readBootId()))
    return 'old'
  }
}

/** How long the new executable may take for its result. */
function longestMs({ manifest }: UpdateState): number {
  const { timeoutS = 0, command } = manifest?.healthCheck ?? {}
  const scriptS = command === undefined ? 0 : (manifest?.scriptTimeoutS ?? 0)
  return (timeoutS + scriptS) * 1000 + spareMs
}

function how({ exitCode, signal, lastWords }: WatchedEnd): string {
  const code = exitCode === undefined ? (signal ?? 'no exit code') : `exit code ${exitCode}`
  return lastWords === '' ? code : `${code}: ${lastWords}`
}
