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

/** How a trial ended, for the process of the old executable. */
export type TrialEnd =
  /** There is none, or the old executable goes on: as if nothing had been, except for what the journal says. */
  | 'old'
  /** The new executable is in place: it is to be started. */
  | 'new'
  /** This process was told to end, or the device was decommissioned. */
  | 'end'

export interface TrialParts {
  readonly slot: AgentSlot
  readonly runtimeDir: string
  /** What the new executable is started with. */
  readonly args: readonly string[]
  readonly clock: Clock
  readonly log: Log
  /** Fires when this process is told to end. */
  readonly signal: AbortSignal
  /** The new executable is about to be started; from now on this process only watches. */
  readonly onBegin: () => void
  /** Tells where an order to read the configuration again goes. */
  readonly onReload: (reload: () => void) => void
}

/** So often may the new executable, or the machine with it, end without a verdict. */
export const maxStarts = 3
/** Between two starts. */
const pause = { firstMs: 1_000, maxMs: 60_000 }
/** What the new executable gets to end in good order; a manager takes 20 seconds at most. */
const endMs = 25_000
/** For the start of the manager, and for a machine that is slow to go down. */
const spareMs = 15 * 60_000

/**
 * Runs the new executable as the manager, when an update has one on trial, and sees to the end of it. What is in place
 * until then is the old one: it is what init starts, it starts the new one and watches it, and when the new one does not
 * start, ends again and again, hangs, or finds that its health is not good, the old one goes on. No init system takes
 * part, and after a power cut all of this begins with the same start of the old one.
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
    const why = (await whyNotSound(places)) ?? (await whyNotStarted(slot.candidate))
    if (why !== undefined) {
      log.error('a new agent waits, and is not started: the old one goes on', { why })
      return 'old'
    }
    const state = await journal.last()
    if (state === undefined || !(isTrial(state) || (await mayBeAdopted(state, places)))) return 'old'
    lock = await takeProcessLock(places.trialLock)
    return await new Trial(parts, places, journal).run(state)
  } catch (error) {
    if (lock === undefined && error instanceof AgentError && error.code === 'ALREADY_RUNNING') throw watchedBy(error)
    // Whatever the disk does: a device without any agent is the worst that can come of it.
    log.error('the trial of the new agent is cut short: its record cannot be read or written', { error })
    return 'old'
  } finally {
    await journal.close().catch(() => {})
    await lock?.release().catch(() => {})
  }
}

function watchedBy({ details, message }: AgentError): AgentError {
  const text = `Another device manager watches a new agent on its trial: ${message}`
  return new AgentError('ALREADY_RUNNING', text, { details })
}

/**
 * Whether the new executable is to be put in place. One of a build that knows no such trial does not end at its verdict: it
 * goes on as the manager, and tells the cloud of its success. It is the one that runs, so it is the one that stays.
 */
async function mayBeAdopted(state: UpdateState, { trial }: UpdatePlaces): Promise<boolean> {
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

  /** See {@link runTrial}. What is over is not remembered. */
  async run(first: UpdateState): Promise<TrialEnd> {
    const end = await this.#watch(first)
    const { log } = this.#parts
    if (end !== 'end') await this.#record.remove().catch(error => log.warn('the record of the trial stays', { error }))
    return end
  }

  async #watch(first: UpdateState): Promise<TrialEnd> {
    const { signal, log, clock, onBegin } = this.#parts
    onBegin()
    for (let state = await this.#afterEarlierOne(first), last = ''; ; ) {
      if (state.step === 'adopt' || hasSucceeded(state)) return await this.#adopt(state)
      if (!isTrial(state)) return 'old'
      const trials = await this.#record.of(state.request.id)
      if (trials.starts >= maxStarts)
        return await this.#fail(state, `it ended ${trials.starts} times before it had proven itself${last}`)
      await this.#record.write({ id: trials.id, starts: trials.starts + 1 })
      log.info('the new agent runs the manager on trial', { start: trials.starts + 1 })
      const end = await this.#once(state, trials)
      const left = await this.#journal.last()
      if (left === undefined) return await this.#forgotten()
      // An orderly end is nobody's failure.
      if (end === 'stopped') {
        await this.#record.write({ id: trials.id, starts: trials.starts })
        return left.step === 'adopt' || hasSucceeded(left) ? await this.#adopt(left) : 'end'
      }
      state = left
      if (!isTrial(state)) continue
      if (end === 'hung') return await this.#fail(state, 'it did not prove itself in time')
      last = `, the last time with ${how(end)}`
      log.warn('the new agent ended before it had proven itself', { exitCode: end.exitCode, signal: end.signal })
      if (trials.starts + 1 >= maxStarts) continue
      try {
        await sleep(clock, backoffMs(pause, trials.starts, clock.random()), signal)
      } catch {
        return 'end'
      }
    }
  }

  /** The state behind the end of a new executable that outlived its watcher: it hears of that, and may still write. */
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
      // Not even that: the message says why.
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
      // Told to end, or the disk takes nothing.
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

  /** Nobody knows of the update any more: the device was decommissioned, or else its journal has rotted. */
  async #forgotten(): Promise<TrialEnd> {
    const wasLeft = (await fileFacts(this.#places.stateFolder)) !== undefined
    await this.#parts.slot.discard()
    return wasLeft ? 'old' : 'end'
  }

  /** Puts the new executable in place. */
  async #adopt(state: UpdateState): Promise<TrialEnd> {
    const { slot, log } = this.#parts
    try {
      await slot.commit()
    } catch (error) {
      if (!hasSucceeded(state)) return await this.#fail(state, `it cannot be put in place: ${messageOf(error)}`)
      log.error('the new agent has told of its success and cannot be put in place; the old one goes on', { error })
      return 'old'
    }
    log.info('the new agent has proven itself and is in place')
    return 'new'
  }

  /** The update has failed; the old executable goes on with it. */
  async #fail(state: UpdateState, why: string): Promise<TrialEnd> {
    const { log } = this.#parts
    log.error('the new agent has failed its trial; the old one goes on', { why })
    const text = `the new agent did not stand its trial as the device manager: ${why}`
    const result = { kind: 'failed', status: Status.ExecutionError, text } as const
    await this.#journal.begin(nextState({ ...state, step: 'agent' }, result, await readBootId()))
    return 'old'
  }
}

/** How long the new executable may take for its verdict. */
function longestMs({ manifest }: UpdateState): number {
  const { timeoutS = 0, command } = manifest?.healthCheck ?? {}
  const scriptS = command === undefined ? 0 : (manifest?.scriptTimeoutS ?? 0)
  return (timeoutS + scriptS) * 1000 + spareMs
}

function how({ exitCode, signal, lastWords }: WatchedEnd): string {
  const code = exitCode === undefined ? (signal ?? 'no exit code') : `exit code ${exitCode}`
  return lastWords === '' ? code : `${code}: ${lastWords}`
}
