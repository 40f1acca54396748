// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { AgentError, messageOf, withoutStop } from '../../base/errors.ts'
import { isProcessAlive } from '../../platform/process/process-identity.ts'
import { Status } from '../../protocol/status.ts'
import { failureOutcome } from '../actions/index.ts'
import { rememberInstalled } from './admission.ts'
import { UnverifiedPackage, UpdateError, type UpdateManifest } from './package/index.ts'
import { PackageVerification } from './package-verification.ts'
import {
  isTrial,
  nextState,
  type RecoveryFacts,
  resume,
  type Step,
  type StepResult,
  scriptSteps,
  type UpdateJournal,
  type UpdateState,
  withOrder,
  withScript,
} from './state/index.ts'
import { carryOut, type StepHelp, type StepParts } from './steps.ts'
import { reportFailure, reportStep } from './update-reports.ts'

export interface UpdateRunParts extends StepParts {
  readonly journal: UpdateJournal
  /** The boot of the system; undefined where the system does not report it. */
  readonly bootId: string | undefined
}

/** Nothing of a new executable can be in place in these. */
const beforeAgent: ReadonlySet<Step> = new Set(['download', 'unpack', 'root', 'pre_install', 'install', 'post_install'])

/** One update, step by step: each step is in the journal before it begins. */
export class UpdateRun {
  readonly #parts: UpdateRunParts
  readonly #signal: AbortSignal
  readonly #onStep: (state: UpdateState) => void
  readonly #verification: PackageVerification
  #state: UpdateState

  /** @param onStep called with the state of each step that begins */
  constructor(
    parts: UpdateRunParts,
    first: UpdateState,
    options: { readonly signal: AbortSignal; readonly onStep: (state: UpdateState) => void },
  ) {
    this.#parts = parts
    this.#state = first
    this.#signal = options.signal
    this.#onStep = options.onStep
    this.#verification = new PackageVerification(parts, options.signal)
  }

  /** Step after step. Resolves at `done`, or with the state in which this process ends. */
  async run(): Promise<UpdateState> {
    const { log, cloud, handOver } = this.#parts
    while (this.#state.step !== 'done') {
      this.#onStep(this.#state)
      if (this.#onTrial && !isTrial(this.#state)) {
        // The old executable does what follows from the result.
        log.info('the trial run of this executable is over', { next: this.#state.step })
        handOver()
        return this.#state
      }
      await reportStep(this.#state, log, cloud)
      const result = await this.#carryOut()
      if (result === undefined) return this.#state
      await this.#take(result)
    }
    await reportStep(this.#state, log, cloud)
    return this.#state
  }

  /** As {@link run}, for an update that an earlier process left. */
  async recover(): Promise<UpdateState> {
    const { log, journal } = this.#parts
    const left = this.#state
    const resumption = resume(left, await this.#recoveryFacts())
    const fields = { package: left.request.package, step: left.step, id: left.request.id }
    if (resumption.kind === 'continue') {
      this.#state = resumption.state
      log.warn('an interrupted update continues', fields)
    } else {
      this.#state = await this.#after(resumption.result)
      log.warn('an interrupted update continues with the next step', { ...fields, result: resumption.result })
    }
    await journal.begin(this.#state)
    // What is left of a new executable has had its trial run.
    if (!this.#onTrial) await this.#discardCandidate()
    return await this.run()
  }

  get #onTrial(): boolean {
    return this.#parts.slot?.onTrial ?? false
  }

  async #recoveryFacts(): Promise<RecoveryFacts> {
    const { bootId, slot } = this.#parts
    const { step, script } = this.#state
    return {
      bootId,
      fate: script === undefined || !scriptSteps.has(step) ? undefined : await this.#fateOf(step, script),
      onTrial: this.#onTrial,
      candidateWaits: !this.#onTrial && ((await slot?.hasCandidate()) ?? false),
      inPlace: await this.#isInPlace(),
    }
  }

  async #fateOf(step: Step, script: string): Promise<'runs' | 'ended' | 'lost'> {
    const { hasExitCode } = await import('../../platform/process/script.ts')
    if (await hasExitCode(this.#parts.places.exitFile(step))) return 'ended'
    return (await isProcessAlive(script)) ? 'runs' : 'lost'
  }

  /** Whether this process is the new executable, in its place. */
  async #isInPlace(): Promise<boolean> {
    const { slot, places, log } = this.#parts
    const { manifest, step } = this.#state
    if (slot === undefined || manifest?.agent === undefined || this.#onTrial || beforeAgent.has(step)) return false
    try {
      return await slot.isInPlace(join(places.packageFolder, manifest.agent))
    } catch (error) {
      log.warn('cannot see whether the new agent is in place', { error })
      return false
    }
  }

  /** The result of the step; undefined when this process ends before there is one. */
  async #carryOut(): Promise<StepResult | undefined> {
    try {
      return await carryOut(this.#state, this.#parts, this.#help())
    } catch (error) {
      if (this.#signal.aborted) return undefined
      const { status, message = '' } = failureOutcome(error)
      const text = withoutStop(error instanceof AgentError ? message : messageOf(error))
      const isUnverified = error instanceof UnverifiedPackage
      return { kind: 'failed', status: error instanceof UpdateError ? error.status : status, text, isUnverified }
    }
  }

  #help(): StepHelp {
    return {
      signal: this.#signal,
      begun: mark => this.#note(withScript(this.#state, mark)),
      ordered: () => this.#note(withOrder(this.#state)),
      agreed: version => this.#note({ ...this.#state, trial: version }),
      verified: () => this.#verification.manifestOf(this.#state),
    }
  }

  async #note(state: UpdateState): Promise<void> {
    this.#state = state
    await this.#parts.journal.add(state)
  }

  async #take(result: StepResult): Promise<void> {
    const { log, cloud } = this.#parts
    if (result.kind === 'failed') {
      await reportFailure(this.#state, result.text, log, cloud)
      if (!this.#onTrial) await this.#discardCandidate()
    } else if (result.manifest !== undefined) this.#verification.unpacked(result.manifest)
    await this.#note(await this.#after(result, this.#verification.known))
  }

  /**
   * The state after a step ended. What the update leaves for good, its release and the keys that it revokes, is on flash
   * before its success is: where signatures are required, an update that cannot be remembered has failed.
   */
  async #after(result: StepResult, verified?: UpdateManifest): Promise<UpdateState> {
    const { bootId, log, rules, places } = this.#parts
    const next = nextState(this.#state, result, bootId)
    const { failure, step } = next
    const manifest = verified ?? next.manifest
    if (step !== 'report' || failure !== undefined || manifest === undefined) return next
    try {
      await rememberInstalled(manifest, places)
      return next
    } catch (error) {
      log.error('what was installed cannot be remembered', { error })
      if (!rules().requireSignature) return next
      const text = `what was installed cannot be remembered: ${withoutStop(messageOf(error))}`
      return nextState(this.#state, { kind: 'failed', status: Status.IoError, text }, bootId)
    }
  }

  async #discardCandidate(): Promise<void> {
    const { slot, log } = this.#parts
    await slot?.discard().catch(error => log.warn('a new executable is not removed', { error }))
  }
}
