// SPDX-License-Identifier: Apache-2.0
import { withoutStop } from '../../../base/errors.ts'
import type { UpdateRequest } from './request.ts'
import { rebootsAtEnd, type Step, type StepResult, type UpdateState } from './update-state.ts'

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

/** The same step with the reboot about to be ordered. */
export function withOrder(state: UpdateState): UpdateState {
  return { ...state, script: 'ordered' }
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

/** The step that begins the check of the health, or the end where there is none. */
export function stepToHealth({ manifest }: UpdateState): Step {
  if (manifest?.healthCheck === undefined) return 'report'
  return manifest.reboot ? 'restart' : 'health'
}

function afterFailure(
  state: UpdateState,
  { status, text, isUnverified = false }: Extract<StepResult, { kind: 'failed' }>,
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
            text: `${withoutStop(failure?.text ?? '')}; error_action failed too: ${text}`,
          },
        },
        'report',
        bootId,
      )
    case 'report':
    case 'finish':
    case 'reboot':
    case 'done':
      // The answer is given already; a later failure is in the log.
      return entered(state, stepAfter(state), bootId)
    default: {
      const failed = { ...state, failure: { step, status, text } }
      const hasUndo = (state.manifest?.errorAction ?? '') !== ''
      const hasBegun = step !== 'download' && step !== 'unpack' && step !== 'root'
      const undoes = hasBegun && hasUndo && !isUnverified
      return entered(failed, undoes ? 'error_action' : 'report', bootId)
    }
  }
}

/** The state at the beginning of a step. */
export function entered(state: UpdateState, step: Step, bootId: string | undefined): UpdateState {
  const { script: _, bootId: __, foreign: ___, ...rest } = state
  const restarted = state.restarted || state.step === 'restart'
  return { ...rest, step, tries: 0, restarted, ...(bootId === undefined ? {} : { bootId }) }
}
