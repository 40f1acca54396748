import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { AgentError, messageOf } from '../../base/errors.ts'
import { once } from '../../base/lifecycle.ts'
import type { Log } from '../../base/log.ts'
import { fileFacts } from '../../platform/files/file-facts.ts'
import { removeFile } from '../../platform/files/write-file.ts'
import { type ProcessLock, processIdentity, takeProcessLock } from '../../platform/process/process-lock.ts'
import { Status } from '../../protocol/status.ts'
import { type ActionOutcome, failureOutcome } from '../actions/index.ts'
import { rememberInstalled } from './admission.ts'
import { UnprovenPackage, UpdateError, type UpdateManifest } from './package/index.ts'
import { PackageProof } from './package-proof.ts'
import {
  firstState,
  isTrial,
  nextState,
  type RecoveryFacts,
  rebootsAtEnd,
  resume,
  type Step,
  type StepResult,
  scriptSteps,
  type UpdateJournal,
  type UpdateRequest,
  type UpdateState,
  whyNotSound,
  withOrder,
  withScript,
} from './state/index.ts'
import { carryOut, type StepHelp, type StepParts } from './steps.ts'
import { outcomeOf, tellFailure, tellStep } from './tell.ts'

export interface UpdatesParts extends StepParts {
  readonly journal: UpdateJournal
  /** The run of the system; undefined where it does not tell. */
  readonly bootId: string | undefined
  readonly clock: Clock
  readonly log: Log
}

/** What became of the wish for an update. */
export type Beginning =
  | { readonly kind: 'begun' }
  /** The same call again while its update runs: it will be answered. */
  | { readonly kind: 'running' }
  /** Refused, or known from before. */
  | { readonly kind: 'answered'; readonly outcome: ActionOutcome }

/** The updates of this device, one at a time: each step is on flash before it begins, and a new process goes on from there. */
export class Updates {
  readonly #parts: UpdatesParts
  readonly #stopping = new AbortController()
  #current: UpdateState | undefined
  #running: Promise<UpdateState | undefined> | undefined
  #claimed = false
  /** What is asked for and not on flash yet. */
  #beginning: UpdateRequest | undefined

  constructor(parts: UpdatesParts) {
    this.#parts = parts
  }

  /** The update that is under way, for `status`. */
  get current(): { readonly package: string; readonly step: string } | undefined {
    return this.#current && { package: this.#current.request.package, step: this.#current.step }
  }

  /** Why no update can begin now; undefined when one can. */
  refusal(): ActionOutcome | undefined {
    if (this.#onTrial) return busy(this.#request)
    return this.#claimed && !this.#tidies() ? busy(this.#request) : undefined
  }

  /**
   * Takes charge of an update: from here on it is carried out, whatever becomes of this process.
   *
   * @throws AgentError when that cannot be written down
   */
  async begin(request: UpdateRequest): Promise<Beginning> {
    // The update that has put this executable on trial is not over, also when this one has its verdict.
    if (this.#onTrial) return this.#busy(request)
    // Whoever has the answer of one update may ask for the next one at once: it waits for the broom.
    while (this.#claimed && this.#tidies() && this.#running !== undefined) await this.#running
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
   * Goes on with the update that an earlier process left. To be called once, before anything is asked for. One that another
   * user could have written stays where it is.
   *
   * @returns the id of the present or last update: its answer is seen to
   */
  async resume(): Promise<string | undefined> {
    if (this.#claimed || !(await this.#isLeft())) return this.#current?.request.id
    this.#claimed = true
    try {
      const lock = await this.#lock()
      if (lock === undefined) return undefined
      const left = await this.#parts.journal.last()
      if (left !== undefined && this.#mayGoOn(left)) this.#goOn(left, lock)
      else await lock.release()
      return left?.request.id
    } finally {
      if (this.#running === undefined) this.#claimed = false
    }
  }

  /** Whether an earlier process has left an update that is to be believed. */
  async #isLeft(): Promise<boolean> {
    const { journal, places, log } = this.#parts
    if ((await fileFacts(places.stateFolder)) === undefined) return false
    const why = await whyNotSound(places)
    if (why === undefined) return await journal.isThere()
    log.error('what an earlier update may have left is not read, and nothing of it runs', { why })
    return false
  }

  /** The last state of the update that runs now: `done`, or where {@link stop} caught it. Undefined when none runs. */
  async ended(): Promise<UpdateState | undefined> {
    return await this.#running
  }

  /** Leaves the update where it is; a script goes on, and the next process takes both up. */
  readonly stop: () => Promise<void> = once(async () => {
    this.#stopping.abort(new AgentError('CLOSED', 'The agent ends.'))
    await this.#running
  })

  async #begin(request: UpdateRequest): Promise<Beginning> {
    const { journal, places, bootId } = this.#parts
    const why = await whyNotSound(places)
    if (why !== undefined)
      return { kind: 'answered', outcome: { status: Status.NoPermission, message: `the update is refused: ${why}` } }
    const lock = await this.#lock()
    // Another process updates.
    if (lock === undefined) return { kind: 'answered', outcome: busy(undefined) }
    try {
      const left = await journal.last()
      if (left !== undefined && left.step !== 'done') {
        // Another process left it meanwhile.
        if (this.#mayGoOn(left)) this.#goOn(left, lock)
        else await lock.release()
        return { kind: 'answered', outcome: busy(left.request) }
      }
      if (left?.request.id === request.id) {
        await lock.release()
        return { kind: 'answered', outcome: outcomeOf(left) }
      }
      const state = firstState(request, bootId)
      // The journal's write makes that last as well: an exit code of this update cannot be one of another.
      for (const step of scriptSteps) await removeFile(places.exitFile(step))
      await journal.begin(state)
      this.#start(state, lock)
      return { kind: 'begun' }
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  #busy({ id }: UpdateRequest): Beginning {
    if (this.#request?.id === id) return { kind: 'running' }
    return { kind: 'answered', outcome: busy(this.#request) }
  }

  get #request(): UpdateRequest | undefined {
    return this.#current?.request ?? this.#beginning
  }

  /** Whether the update that runs has been answered and only cleans up behind itself. */
  #tidies(): boolean {
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

  /** Only a process with a cloud can finish an update for which the cloud waits; one on trial has its trial, and nothing else. */
  #mayGoOn(state: UpdateState): boolean {
    if (this.#onTrial && !isTrial(state)) return false
    return state.step !== 'done' && (state.request.from === 'local' || this.#parts.cloud !== undefined)
  }

  #goOn(left: UpdateState, lock: ProcessLock): void {
    this.#current = left
    this.#running = this.#held(lock, async () => this.#run(await this.#afterFinding(left)))
  }

  #start(state: UpdateState, lock: ProcessLock): void {
    this.#current = state
    this.#running = this.#held(lock, () => this.#run(state))
  }

  async #afterFinding(left: UpdateState): Promise<UpdateState> {
    const { bootId, journal, log, slot } = this.#parts
    const found: RecoveryFacts = {
      ...(bootId === undefined ? {} : { bootId }),
      ...(left.script === undefined || !scriptSteps.has(left.step)
        ? {}
        : { fate: await this.#fateOf(left.step, left.script) }),
      onTrial: this.#onTrial,
      candidateWaits: !this.#onTrial && ((await slot?.hasCandidate()) ?? false),
      inPlace: await this.#isInPlace(left),
    }
    const resumption = resume(left, found)
    const { step, request } = left
    const fields = { package: request.package, step, id: request.id }
    const state = resumption.kind === 'continue' ? resumption.state : await this.#after(left, resumption.result)
    if (resumption.kind === 'continue') log.warn('an update that was cut off goes on', fields)
    else log.warn('an update that was cut off goes on with the next step', { ...fields, result: resumption.result })
    await journal.begin(state)
    // What is left of a new executable has had its trial.
    if (!this.#onTrial) await this.#discard()
    return state
  }

  async #discard(): Promise<void> {
    const { slot, log } = this.#parts
    await slot?.discard().catch(why => log.warn('a new executable stays', { why: messageOf(why) }))
  }

  /** Whether this process is the new executable, in its place. */
  async #isInPlace({ manifest, step }: UpdateState): Promise<boolean> {
    const { slot, places, log } = this.#parts
    if (slot === undefined || manifest?.agent === undefined || this.#onTrial || beforeAgent.has(step)) return false
    try {
      return await slot.isInPlace(join(places.packageFolder, manifest.agent))
    } catch (error) {
      log.warn('whether the new agent is in place cannot be seen', { why: messageOf(error) })
      return false
    }
  }

  async #fateOf(step: Step, script: string): Promise<'runs' | 'ended' | 'lost'> {
    const { hasExitCode } = await import('../../platform/process/script.ts')
    if (await hasExitCode(this.#parts.places.exitFile(step))) return 'ended'
    const pid = Number(script.split(' ', 1)[0])
    return (await processIdentity(pid)) === script ? 'runs' : 'lost'
  }

  /** Step after step. Ends at `done`, or when this process ends. */
  async #run(first: UpdateState): Promise<UpdateState> {
    const { journal, cloud, log } = this.#parts
    const proof = new PackageProof(this.#parts, this.#stopping.signal)
    let state = first
    while (state.step !== 'done') {
      this.#current = state
      if (this.#onTrial && !isTrial(state)) {
        // What comes of it is for the old executable to do.
        log.info('the trial of this executable is over', { next: state.step })
        this.#parts.handOver()
        return state
      }
      await tellStep(state, log, cloud)
      const begun = async (mark: string) => {
        state = withScript(state, mark)
        await journal.add(state)
      }
      const ordered = async () => {
        state = withOrder(state)
        await journal.add(state)
      }
      const { signal } = this.#stopping
      const agreed = async (version: number) => {
        state = { ...state, trial: version }
        await journal.add(state)
      }
      const result = await this.#carryOut(state, {
        signal,
        begun,
        ordered,
        agreed,
        proven: () => proof.manifestOf(state),
      })
      if (result === undefined) return state
      if (result.kind === 'failed') {
        await tellFailure(state, result.text, log, cloud)
        if (!this.#onTrial) await this.#discard()
      }
      if (result.kind === 'done' && result.manifest !== undefined) proof.unpacked(result.manifest)
      state = await this.#after(state, result, proof.known)
      await journal.add(state)
    }
    await tellStep(state, log, cloud)
    return state
  }

  /** How the step ended; undefined when this process ends before. */
  async #carryOut(state: UpdateState, help: StepHelp): Promise<StepResult | undefined> {
    try {
      return await carryOut(state, this.#parts, help)
    } catch (error) {
      if (help.signal.aborted) return undefined
      const { status, message = '' } = failureOutcome(error)
      const text = error instanceof AgentError ? message : messageOf(error)
      const isUnproven = error instanceof UnprovenPackage
      return { kind: 'failed', status: error instanceof UpdateError ? error.status : status, text, isUnproven }
    }
  }

  /**
   * The state after a step ended. What the update leaves for good, its release and the keys that it revokes, is on flash
   * before its success is: what cannot be remembered where signatures are required has failed.
   */
  async #after(state: UpdateState, result: StepResult, proven?: UpdateManifest): Promise<UpdateState> {
    const { bootId, log, rules } = this.#parts
    const next = nextState(state, result, bootId)
    const { failure, step } = next
    const manifest = proven ?? next.manifest
    if (step !== 'report' || failure !== undefined || manifest === undefined) return next
    try {
      await rememberInstalled(manifest, this.#parts.places)
      return next
    } catch (error) {
      log.error('what was installed cannot be remembered', { error })
      if (!rules().requireSignature) return next
      const text = `what was installed cannot be remembered: ${messageOf(error)}`
      return nextState(state, { kind: 'failed', status: Status.IoError, text }, bootId)
    }
  }

  /** Runs an update, and gives everything back at its end. Never rejects. */
  async #held(lock: ProcessLock, work: () => Promise<UpdateState>): Promise<UpdateState | undefined> {
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
      await lock.release().catch(error => log.warn('the lock of the update stays', { error }))
      this.#running = undefined
      this.#claimed = false
    }
  }
}

/** Nothing of a new executable can be in place in these. */
const beforeAgent: ReadonlySet<Step> = new Set(['download', 'unpack', 'root', 'pre_install', 'install', 'post_install'])

function busy(request: UpdateRequest | undefined): ActionOutcome {
  const which = request === undefined ? '' : ` (${request.package})`
  return { status: Status.Failure, message: `a software update is already in progress${which}` }
}
