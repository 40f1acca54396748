// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../base/errors.ts'
import { once } from '../../base/lifecycle.ts'
import { fileFacts } from '../../platform/files/file-facts.ts'
import { removeFile } from '../../platform/files/write-file.ts'
import { type ProcessLock, takeProcessLock } from '../../platform/process/process-lock.ts'
import { Status } from '../../protocol/status.ts'
import type { ActionOutcome } from '../actions/index.ts'
import {
  firstState,
  isTrial,
  rebootsAtEnd,
  scriptSteps,
  type UpdateRequest,
  type UpdateState,
  whyNotSound,
} from './state/index.ts'
import { outcomeOf } from './update-reports.ts'
import { UpdateRun, type UpdateRunParts } from './update-run.ts'

/** What became of a request for an update. */
export type Beginning =
  | { readonly kind: 'begun' }
  /** The same call again while its update runs: that update answers it. */
  | { readonly kind: 'running' }
  /** Refused, or known from before. */
  | { readonly kind: 'answered'; readonly outcome: ActionOutcome }

/** The updates of this device, one at a time, of all processes: a new process continues the one that an earlier one left. */
export class Updates {
  readonly #parts: UpdateRunParts
  readonly #stopping = new AbortController()
  #current: UpdateState | undefined
  #running: Promise<UpdateState | undefined> | undefined
  #claimed = false
  /** Requested, and not on flash yet. */
  #beginning: UpdateRequest | undefined

  constructor(parts: UpdateRunParts) {
    this.#parts = parts
  }

  /** The update that is under way, for `status`. */
  get current(): { readonly package: string; readonly step: string } | undefined {
    return this.#current && { package: this.#current.request.package, step: this.#current.step }
  }

  /** Why no update can begin now; undefined when one can. */
  refusal(): ActionOutcome | undefined {
    if (this.#onTrial) return busy(this.#request)
    return this.#claimed && !this.#cleansUp() ? busy(this.#request) : undefined
  }

  /**
   * Takes charge of an update: from here on it is carried out, also when this process ends.
   *
   * @throws AgentError when that cannot be written down
   */
  async begin(request: UpdateRequest): Promise<Beginning> {
    // The update whose trial run this process is is not over, also when its result is known.
    if (this.#onTrial) return this.#busy(request)
    // An operator who has the answer of one update may request the next one at once: it waits for the cleanup.
    while (this.#claimed && this.#cleansUp() && this.#running !== undefined) await this.#running
    if (this.#claimed) return this.#busy(request)
    this.#claimed = true
    this.#beginning = request
    try {
      return await this.#begin(request)
    } finally {
      this.#beginning = undefined
      if (this.#running === undefined) this.#claimed = false
    }
  }

  /**
   * Continues the update that an earlier process left. To be called once, before any update is requested. An update that
   * another user could have written stays where it is.
   *
   * @returns the id of the present or last update, which gets its answer from there
   */
  async resume(): Promise<string | undefined> {
    if (this.#claimed || !(await this.#isLeft())) return this.#current?.request.id
    this.#claimed = true
    try {
      const lock = await this.#lock()
      if (lock === undefined) return undefined
      const left = await this.#parts.journal.last()
      if (left !== undefined && this.#mayContinue(left)) this.#continue(left, lock)
      else await lock.release()
      return left?.request.id
    } finally {
      if (this.#running === undefined) this.#claimed = false
    }
  }

  /** The last state of the update that runs now: `done`, or where {@link stop} caught it. Undefined when none runs. */
  async ended(): Promise<UpdateState | undefined> {
    return await this.#running
  }

  /** Leaves the update where it is; a script continues to run, and the next process takes up both. */
  readonly stop: () => Promise<void> = once(async () => {
    this.#stopping.abort(new AgentError('CLOSED', 'The agent ends.'))
    await this.#running
  })

  /** Whether an earlier process has left an update that can be trusted. */
  async #isLeft(): Promise<boolean> {
    const { journal, places, log } = this.#parts
    if ((await fileFacts(places.stateFolder)) === undefined) return false
    const unsound = await whyNotSound(places)
    if (unsound === undefined) return await journal.isThere()
    log.error('what an earlier update may have left is not read, and nothing of it runs', { error: unsound })
    return false
  }

  async #begin(request: UpdateRequest): Promise<Beginning> {
    const unsound = await whyNotSound(this.#parts.places)
    if (unsound !== undefined)
      return answered({ status: Status.NoPermission, message: `the update is refused: ${unsound}` })
    const lock = await this.#lock()
    // Another process updates.
    if (lock === undefined) return answered(busy(undefined))
    try {
      return await this.#beginLocked(request, lock)
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  async #beginLocked(request: UpdateRequest, lock: ProcessLock): Promise<Beginning> {
    const { journal, places, bootId } = this.#parts
    const left = await journal.last()
    if (left !== undefined && left.step !== 'done') {
      // Another process left it meanwhile.
      if (this.#mayContinue(left)) this.#continue(left, lock)
      else await lock.release()
      return answered(busy(left.request))
    }
    if (left?.request.id === request.id) {
      await lock.release()
      return answered(outcomeOf(left))
    }
    const state = firstState(request, bootId)
    // The write of the journal makes these removals last as well: an exit code of this update cannot be one of another.
    for (const step of scriptSteps) await removeFile(places.exitFile(step))
    await journal.begin(state)
    this.#start(state, lock, run => run.run())
    return { kind: 'begun' }
  }

  #busy({ id }: UpdateRequest): Beginning {
    return this.#request?.id === id ? { kind: 'running' } : answered(busy(this.#request))
  }

  get #request(): UpdateRequest | undefined {
    return this.#current?.request ?? this.#beginning
  }

  /** Whether the update that runs is answered and only cleans up. */
  #cleansUp(): boolean {
    const state = this.#current
    if (this.#running === undefined) return false
    return state === undefined || state.step === 'done' || (state.step === 'finish' && !rebootsAtEnd(state))
  }

  async #lock(): Promise<ProcessLock | undefined> {
    try {
      return await takeProcessLock(this.#parts.places.lock)
    } catch (error) {
      if (error instanceof AgentError && error.code === 'ALREADY_RUNNING') return undefined
      throw error
    }
  }

  get #onTrial(): boolean {
    return this.#parts.slot?.onTrial ?? false
  }

  /** Only a process with a cloud can finish an update that the cloud waits for; one in its trial run does nothing but that. */
  #mayContinue(state: UpdateState): boolean {
    if (this.#onTrial && !isTrial(state)) return false
    return state.step !== 'done' && (state.request.from === 'local' || this.#parts.cloud !== undefined)
  }

  #continue(left: UpdateState, lock: ProcessLock): void {
    this.#start(left, lock, run => run.recover())
  }

  #start(state: UpdateState, lock: ProcessLock, work: (run: UpdateRun) => Promise<UpdateState>): void {
    const onStep = (at: UpdateState) => {
      this.#current = at
    }
    onStep(state)
    const run = new UpdateRun(this.#parts, state, { signal: this.#stopping.signal, onStep })
    this.#running = this.#locked(lock, () => work(run))
  }

  /** Runs an update, and gives the journal and the lock back at its end. Never rejects. */
  async #locked(lock: ProcessLock, work: () => Promise<UpdateState>): Promise<UpdateState | undefined> {
    const { journal, log } = this.#parts
    try {
      return await work()
    } catch (error) {
      // Without the journal a step must not begin; the next process finds the last one that was written.
      log.error('the update stops: its next step cannot be written down', { step: this.#current?.step, error })
      return this.#current
    } finally {
      this.#current = undefined
      await journal.close().catch(error => log.warn('the journal of the update was not closed', { error }))
      await lock.release().catch(error => log.warn('the lock of the update was not released', { error }))
      this.#running = undefined
      this.#claimed = false
    }
  }
}

function answered(outcome: ActionOutcome): Beginning {
  return { kind: 'answered', outcome }
}

function busy(request: UpdateRequest | undefined): ActionOutcome {
  const which = request === undefined ? '' : ` (${request.package})`
  return { status: Status.Failure, message: `a software update is already in progress${which}` }
}
