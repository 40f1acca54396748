// SPDX-License-Identifier: Apache-2.0
import { withoutStop } from '../../../base/errors.ts'
import { entered, stepToHealth } from './machine.ts'
import { isTrial, type StepResult, scriptSteps, type UpdateState } from './update-state.ts'

/** What became of the process of a script that an earlier process started. */
export type ScriptFate = 'runs' | 'ended' | 'lost'

/** What a new process finds beside the journal. */
export interface RecoveryFacts {
  readonly bootId?: string | undefined
  /** Present when the state has a script. */
  readonly fate?: ScriptFate | undefined
  /** This process is the new executable in its trial run. */
  readonly onTrial?: boolean
  /** A new executable still lies beside the one in place, which this process runs. */
  readonly candidateWaits?: boolean
  /** This process is the executable of the package, in place: the new agent runs, also where the journal says otherwise. */
  readonly inPlace?: boolean
}

/** What a new process does about an unfinished update. */
export type Resumption =
  /** Continues the step; a script that still runs, or has a known end, is waited for and not run again. */
  { readonly kind: 'continue'; readonly state: UpdateState } | { readonly kind: 'ended'; readonly result: StepResult }

/** How often a harmless step is begun again: what crashes the process in it may do so each time. */
export const maxTries = 5

/** What a new process does with the state that it finds [O3]: one defined outcome for an end at any point. */
export function resume(state: UpdateState, found: RecoveryFacts): Resumption {
  const { step, script, tries } = state
  const rebooted = state.bootId === undefined || found.bootId !== state.bootId
  const failed = (text: string, isUnverified = false): Resumption => ({
    kind: 'ended',
    result: { kind: 'failed', status: 19, text, isUnverified },
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
    return failed('its trial run cannot continue: the new executable is gone, or the disk takes nothing')
  if ((step === 'restart' || step === 'reboot') && rebooted) return { kind: 'ended', result: { kind: 'done' } }
  // The process that watches the trial run does it: this executable is in place, unless the new one still waits beside it.
  if (step === 'adopt')
    return found.candidateWaits === true
      ? failed(
          'the trial run succeeded, and the new executable could not be put in place: the log of that start has the reason',
        )
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
  // Another try does no harm.
  if (step === 'report' || step === 'finish') return { kind: 'continue', state }
  // letRoot limits the tries: each installation ends this process at least once.
  if (step === 'root') return { kind: 'continue', state: { ...state, tries: tries + 1 } }
  if (tries >= maxTries) return failed(`the agent ended ${tries + 1} times in this step`)
  return { kind: 'continue', state: { ...state, tries: tries + 1 } }
}

/**
 * The meaning of a journal for the new executable in place, where another build has put it there in another way or at another
 * time: the update continues with the health check. Undefined where the journal means what it says.
 */
function inItsPlace(state: UpdateState, bootId: string | undefined): Resumption | undefined {
  const { step, probation, failure, script, foreign, ...rest } = state
  const isPlaced = { kind: 'ended', result: { kind: 'done' } } as const
  if (step === 'adopt' || (step === 'agent' && (foreign !== undefined || placed(probation)))) return isPlaced
  if (failure === undefined || !(failure.step === 'agent' || failure.step === 'adopt')) return undefined
  const { manifest } = state
  const undoes = (manifest?.errorAction ?? '') !== ''
  // Nothing is undone yet: the old executable has not continued.
  if ((step === 'error_action' && script === undefined) || (step === 'report' && !undoes))
    return { kind: 'continue', state: entered({ ...rest, step: 'agent' }, stepToHealth(state), bootId) }
  const note = '; the new agent is in place nevertheless, and runs'
  if (step !== 'report' || failure.text.endsWith(note)) return undefined
  return { kind: 'continue', state: { ...state, failure: { ...failure, text: `${withoutStop(failure.text)}${note}` } } }
}

/** No build puts an agent in place that failed its preflight: what is in place then has the same content. */
function placed(probation: UpdateState['probation']): boolean {
  return probation !== undefined && probation.result !== 'failed'
}
