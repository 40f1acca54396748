// SPDX-License-Identifier: Apache-2.0
import type { Log } from '../../base/log.ts'
import { Status } from '../../protocol/status.ts'
import type { ActionOutcome } from '../actions/index.ts'
import type { Step, UpdateState } from './state/index.ts'
import type { UpdateCloud } from './update-cloud.ts'

/** States of the alarm `software_update` [TR50 7.4]. */
const alarmStates: Partial<Record<Step, number>> = {
  download: 0,
  pre_install: 1,
  root: 2,
  install: 2,
  post_install: 3,
  error_action: 4,
}
const completeState = 5
const failedState = 6

const stepTexts: Readonly<Record<Step, string>> = {
  download: 'download',
  unpack: 'unpack',
  root: 'installation by root',
  pre_install: 'pre-install',
  install: 'install',
  post_install: 'post-install',
  agent: 'new agent',
  restart: 'reboot',
  health: 'health check',
  adopt: 'change of the agent',
  error_action: 'error action',
  report: 'report',
  finish: 'finish',
  reboot: 'reboot',
  done: 'end',
}

/** The answer to the operator, as soon as it is known. */
export function outcomeOf({ failure }: UpdateState): ActionOutcome {
  if (failure === undefined) return { status: Status.Success, message: '' }
  return { status: failure.status, message: `${stepTexts[failure.step]} failed: ${failure.text}` }
}

/** Reports to the log and the cloud which step begins. Without the cloud the update continues all the same. */
export async function reportStep(state: UpdateState, log: Log, cloud: UpdateCloud | undefined): Promise<void> {
  const { request, step } = state
  const fields = { package: request.package, step, id: request.id }
  const { status, message } = outcomeOf(state)
  if (step === 'report' && state.failure !== undefined)
    log.error('software update failed', { ...fields, status, error: message })
  else log.info(step === 'report' ? 'software update complete' : `software update: ${stepTexts[step]}`, fields)
  if (cloud === undefined || step === 'done') return
  try {
    const alarm = step === 'report' ? (state.failure === undefined ? completeState : failedState) : alarmStates[step]
    if (alarm !== undefined) await cloud.alarm(alarm, `package: ${request.package}`)
    const line = lineOf(state)
    if (line === undefined) return
    await cloud.event(`OTA: ${line} (package: ${request.package})`, state.failure === undefined ? 'info' : 'error')
    if (request.from === 'cloud') await cloud.progress(request.id, line)
  } catch (error) {
    log.warn('progress of the update not sent to the cloud', { step, error })
  }
}

/** Reports a step that failed. After the answer nothing else would: the operator reads success and waits for the reboot. */
export async function reportFailure(
  { request, step }: UpdateState,
  text: string,
  log: Log,
  cloud: UpdateCloud | undefined,
): Promise<void> {
  log.warn('a step of the update failed', { package: request.package, step, error: text })
  if (cloud === undefined || (step !== 'reboot' && step !== 'finish')) return
  await cloud
    .event(`OTA: ${stepTexts[step]} failed: ${text} (package: ${request.package})`, 'error')
    .catch(error => log.warn('failure of the update not sent to the cloud', { error }))
}

function lineOf(state: UpdateState): string | undefined {
  const { step, failure } = state
  switch (step) {
    case 'download':
      return 'software update started'
    case 'unpack':
    case 'finish':
    case 'done':
      return undefined
    case 'report':
      return failure === undefined ? 'software update succeeded' : `software update failed: ${outcomeOf(state).message}`
    case 'restart':
    case 'reboot':
      return 'rebooting'
    default:
      return `${stepTexts[step]} running`
  }
}
