import { messageOf } from '../../base/errors.ts'
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

const words: Readonly<Record<Step, string>> = {
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
  return { status: failure.status, message: `${words[failure.step]} failed: ${failure.text}` }
}

/** Tells the log and the cloud what begins. The update goes on when the cloud does not hear it. */
export async function tellStep(state: UpdateState, log: Log, cloud: UpdateCloud | undefined): Promise<void> {
  const { request, step } = state
  const fields = { package: request.package, step, id: request.id }
  const { status, message } = outcomeOf(state)
  if (step === 'report' && state.failure !== undefined)
    log.error('software update failed', { ...fields, status, why: message })
  else log.info(step === 'report' ? 'software update complete' : `software update: ${words[step]}`, fields)
  if (cloud === undefined || step === 'done') return
  try {
    const alarm = step === 'report' ? (state.failure === undefined ? completeState : failedState) : alarmStates[step]
    if (alarm !== undefined) await cloud.alarm(alarm, `package: ${request.package}`)
    const line = lineOf(state)
    if (line === undefined) return
    await cloud.event(`OTA: ${line} (package: ${request.package})`, state.failure === undefined ? 'info' : 'error')
    if (request.from === 'cloud') await cloud.progress(request.id, line)
  } catch (error) {
    log.warn('the cloud was not told how the update goes', { step, why: messageOf(error) })
  }
}

/** Tells of a step that failed. Behind the answer nothing else would: the operator reads success and waits for the reboot. */
export async function tellFailure(
  { request, step }: UpdateState,
  why: string,
  log: Log,
  cloud: UpdateCloud | undefined,
): Promise<void> {
  log.warn('a step of the update failed', { package: request.package, step, why })
  if (cloud === undefined || (step !== 'reboot' && step !== 'finish')) return
  await cloud
    .event(`OTA: ${words[step]} failed: ${why} (package: ${request.package})`, 'error')
    .catch(error => log.warn('the cloud was not told of it', { why: messageOf(error) }))
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
      return `${words[step]} running`
  }
}
