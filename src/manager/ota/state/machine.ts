import type { Status } from '../../../protocol/status.ts'
import type { UpdateManifest } from '../package/index.ts'
import type { UpdateRequest } from './request.ts'

/**
 * The steps of an update [TR50 7.4]:
 *
 *     download → unpack → pre_install → install → post_install → (agent) → (restart) → (health) → (adopt)
 *       → report → finish → (reboot) → done
 *
 * Where the manager is not root and root installs for it: download → root → report → finish → done.
 * A failure from pre_install on goes to error_action, one before that straight to report. From the end of agent to that of
 * health the new executable runs the manager, on trial; in every other step the one that is in place does.
 */
export const steps = [
  'download',
  'unpack',
  /** Root installs the package, between two runs of this manager. */
  'root',
  'pre_install',
  'install',
  'post_install',
  /** A new executable of the agent is put beside the old one, and checked. */
  'agent',
  /** The machine reboots into the new software before its health is checked. */
  'restart',
  'health',
  /** The new executable has proven itself as the manager, and takes the place of the old one. */
  'adopt',
  'error_action',
  /** The cloud gets the answer. */
  'report',
  /** The package goes, and the log is sent. */
  'finish',
  'reboot',
  'done',
] as const
export type Step = (typeof steps)[number]

/** What failed, and how it is told. */
export interface UpdateFailure {
  readonly step: Step
  readonly status: Status
  readonly text: string
}

/** All that is known about an update. It is on flash before a step begins. */
export interface UpdateState {
  readonly request: UpdateRequest
  readonly step: Step
  /** The run of the system in which the step began; absent where the system does not tell. */
  readonly bootId?: string
  /**
   * Names the process of a script that was about to begin. Without it no script of this step has begun. In restart and reboot:
   * the machine was about to be told.
   */
  readonly script?: string
  readonly manifest?: UpdateManifest
  /** A script has begun: the device may be changed. */
  readonly changed: boolean
  /** The machine was rebooted to check its health. */
  readonly restarted: boolean
  readonly failure?: UpdateFailure
  /** The preflight of the new executable (its key on flash stays); absent until it begins. */
  readonly probation?: { readonly result: 'begun' | 'passed' | 'failed'; readonly text?: string }
  /** The version in which the old executable and the new one speak to each other; absent: the first. */
  readonly trial?: number
  /** Another build has written it, in a way that this one does not know: what it is, and nothing but the request is believed. */
  readonly foreign?: string
  /** How many processes found this update in this step and began the step again. */
  readonly tries: number
}

/** How a step ended. */
export type StepResult =
  | { readonly kind: 'done'; readonly manifest?: UpdateManifest }
  | {
      readonly kind: 'failed'
      readonly status: Status
      readonly text: string
      /** What is unpacked is not known to be the package: no script of it may undo anything either. */
      readonly isUnproven?: boolean
    }

/** What became of the process of a script that an earlier process started. */
export type ScriptFate = 'runs' | 'ended' | 'lost'

/** What a new process finds. */
export interface RecoveryFacts {
  readonly bootId?: string
  /** Present when the state has a script. */
  readonly fate?: ScriptFate
  /** This process is the new executable on trial. */
  readonly onTrial?: boolean
  /** A new executable still lies beside the one in place, which this process runs. */
  readonly candidateWaits?: boolean
  /** This process is the executable of the package, and in place: whatever the journal says, the new agent runs. */
  readonly inPlace?: boolean
}

/** What a new process does about an unfinished update. */
export type Resumption =
  /** Goes on with the step; a script that still runs, or whose end is known, is waited for and not run again. */
  { readonly kind: 'continue'; readonly state: UpdateState } | { readonly kind: 'ended'; readonly result: StepResult }

/** How often a step that harms nothing is begun again: what brings the process down in it does so each time. */
export const maxTries = 5

/** The steps in which a script of the package runs. */
export const scriptSteps: ReadonlySet<Step> = new Set([
  'pre_install',
  'install',
  'post_install',
  'health',
  'error_action',
])

export function firstState(request: UpdateRequest, bootId: string | undefined): UpdateState {
  return entered({ request, step: 'download', changed: false, restarted: false, tries: 0 }, 'download', bootId)
}

/** The state after a step ended. Pure: time, disk and cloud are the caller's. */
export function nextState(state: UpdateState, result: StepResult, bootId: string | undefined): UpdateState {
  if (result.kind === 'failed') return afterFailure(state, result, bootId)
  const known = result.manifest === undefined ? state : { ...state, manifest: result.manifest }
  return entered(known, stepAfter(known), bootId)
}

/** The same step with its script about to begin. */
export function withScript(state: UpdateState, script: string): UpdateState {
  return { ...state, script, changed: true }
}

/** The same step with the machine about to be told to reboot. */
export function withOrder(state: UpdateState): UpdateState {
  return { ...state, script: 'ordered' }
}

/** Whether the machine is to be rebooted at the very end. */
export function rebootsAtEnd({ manifest, failure, changed, restarted }: UpdateState): boolean {
  if (manifest?.reboot !== true || !changed) return false
  // It was told to, and did not: it would not at another time either.
  if (failure?.step === 'restart') return false
  // Rebooted already; when that went wrong, what error_action restored needs a reboot as well.
  return !restarted || failure !== undefined
}

/** Whether the new executable runs the manager, to prove itself. */
export function isTrial({ step, manifest, probation }: UpdateState): boolean {
  if (manifest?.agent === undefined) return false
  return step === 'restart' || step === 'health' || (step === 'agent' && probation?.result === 'passed')
}

/** What a new process does with the state that it finds [TR50 O3]: one defined outcome for an end at any point. */
export function resume(state: UpdateState, found: RecoveryFacts): Resumption {
  const { step, script, tries } = state
  const rebooted = state.bootId === undefined || found.bootId !== state.bootId
  const failed = (text: string, isUnproven = false): Resumption => ({
    kind: 'ended',
    result: { kind: 'failed', status: 19, text, isUnproven },
  })
  if (found.inPlace === true) {
    const known = inItsPlace(state, found.bootId)
    if (known !== undefined) return known
  }
  if (state.foreign !== undefined)
    return failed(
      `another build of the agent has left it in a form that this one does not know (${state.foreign}): how it ended is not known, and nothing more of it runs`,
      true,
    )
  if (isTrial(state) && found.onTrial !== true && found.inPlace !== true)
    return failed('its trial cannot go on: the new executable is gone, or the disk takes nothing')
  if ((step === 'restart' || step === 'reboot') && rebooted) return { kind: 'ended', result: { kind: 'done' } }
  // It is done by who watches the trial: this process has taken the place, unless the other one still waits for it.
  if (step === 'adopt')
    return found.candidateWaits === true
      ? failed('the new executable has proven itself and could not be put in place: the log of that start says why')
      : { kind: 'ended', result: { kind: 'done' } }
  if (step === 'agent' && state.probation !== undefined) {
    const { result, text = 'the agent or the machine ended during the preflight of the new agent' } = state.probation
    return result === 'passed' ? { kind: 'ended', result: { kind: 'done' } } : failed(text)
  }
  if (scriptSteps.has(step) && script !== undefined) {
    if (found.fate !== 'lost') return { kind: 'continue', state }
    const why = rebooted ? 'the machine restarted' : 'the agent ended'
    return failed(`${why} while the script ran, and how it ended is not known; it was not run again`)
  }
  // Nothing else waits for the answer, and trying again harms nobody.
  if (step === 'report' || step === 'finish') return { kind: 'continue', state }
  // It is counted there: each installation ends this process at least once.
  if (step === 'root') return { kind: 'continue', state: { ...state, tries: tries + 1 } }
  if (tries >= maxTries) return failed(`the agent ended ${tries + 1} times in this step`)
  return { kind: 'continue', state: { ...state, tries: tries + 1 } }
}

/**
 * What a journal means to the new executable in its place, where other builds have put it there in another way, or at another
 * time: the update goes on with the look at its health. Undefined where it means what it says.
 */
function inItsPlace(state: UpdateState, bootId: string | undefined): Resumption | undefined {
  const { step, probation, failure, script, foreign, ...rest } = state
  const isPlaced = { kind: 'ended', result: { kind: 'done' } } as const
  if (step === 'adopt' || (step === 'agent' && (foreign !== undefined || placed(probation)))) return isPlaced
  if (failure === undefined || !(failure.step === 'agent' || failure.step === 'adopt')) return undefined
  const { manifest } = state
  const undoes = (manifest?.errorAction ?? '') !== ''
  // Nobody has undone anything yet: the old executable has not gone on.
  if ((step === 'error_action' && script === undefined) || (step === 'report' && !undoes))
    return { kind: 'continue', state: entered({ ...rest, step: 'agent' }, stepToHealth(state), bootId) }
  const note = '; the new agent is in place nevertheless, and runs'
  if (step !== 'report' || failure.text.endsWith(note)) return undefined
  return { kind: 'continue', state: { ...state, failure: { ...failure, text: `${failure.text}${note}` } } }
}

/** No build puts an agent in place that failed its preflight: what is in place then has the same content. */
function placed(probation: UpdateState['probation']): boolean {
  return probation !== undefined && probation.result !== 'failed'
}

/** Whether the update has ended well, as far as the journal knows: the cloud has been told, or will be. */
export function hasSucceeded({ step, failure, foreign }: UpdateState): boolean {
  const isBehind = step === 'report' || step === 'finish' || step === 'reboot' || step === 'done'
  return isBehind && failure === undefined && foreign === undefined
}

function stepAfter(state: UpdateState): Step {
  switch (state.step) {
    case 'download':
      return state.request.byRoot === true ? 'root' : 'unpack'
    case 'root':
      return 'report'
    case 'unpack':
      return 'pre_install'
    case 'pre_install':
      return 'install'
    case 'install':
      return 'post_install'
    case 'post_install':
      return state.manifest?.agent === undefined ? stepToHealth(state) : 'agent'
    case 'agent':
      return stepToHealth(state)
    case 'restart':
      return 'health'
    case 'health':
      return state.manifest?.agent === undefined ? 'report' : 'adopt'
    case 'adopt':
    case 'error_action':
      return 'report'
    case 'report':
      return 'finish'
    case 'finish':
      return rebootsAtEnd(state) ? 'reboot' : 'done'
    case 'reboot':
    case 'done':
      return 'done'
  }
}

function stepToHealth({ manifest }: UpdateState): Step {
  if (manifest?.healthCheck === undefined) return 'report'
  return manifest.reboot ? 'restart' : 'health'
}

function afterFailure(
  state: UpdateState,
  { status, text, isUnproven = false }: Extract<StepResult, { kind: 'failed' }>,
  bootId: string | undefined,
): UpdateState {
  const { step, failure } = state
  switch (step) {
    case 'error_action':
      return entered(
        {
          ...state,
          failure: {
            ...(failure ?? { step, status, text: '' }),
            text: `${failure?.text ?? ''}; error_action failed too: ${text}`,
          },
        },
        'report',
        bootId,
      )
    case 'report':
    case 'finish':
    case 'reboot':
    case 'done':
      // The answer is given; what goes wrong behind it is in the log.
      return entered(state, stepAfter(state), bootId)
    default: {
      const failed = { ...state, failure: { step, status, text } }
      const hasUndo = (state.manifest?.errorAction ?? '') !== ''
      const hasBegun = step !== 'download' && step !== 'unpack' && step !== 'root'
      const undoes = hasBegun && hasUndo && !isUnproven
      return entered(failed, undoes ? 'error_action' : 'report', bootId)
    }
  }
}

function entered(state: UpdateState, step: Step, bootId: string | undefined): UpdateState {
  const { script: _, bootId: __, foreign: ___, ...rest } = state
  const restarted = state.restarted || state.step === 'restart'
  return { ...rest, step, tries: 0, restarted, ...(bootId === undefined ? {} : { bootId }) }
}
