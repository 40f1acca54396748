import { entered, stepToHealth } from './machine.ts'
import { isTrial, type StepResult, scriptSteps, type UpdateState } from './update-state.ts'

/** What became of the process of a script that an earlier process started. */
export type ScriptFate = 'runs' | 'ended' | 'lost'

/** What a new process finds. */
export interface RecoveryFacts {
  readonly bootId?: string | undefined
  /** Present when the state has a script. */
  readonly fate?: ScriptFate | undefined
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
