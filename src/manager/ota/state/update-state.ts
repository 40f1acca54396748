// SPDX-License-Identifier: Apache-2.0
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
 * A failure from pre_install on leads to error_action, an earlier one straight to report. From the end of agent to the end of
 * health the new executable runs the manager, in its trial run; in every other step the executable in place does.
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
  /** The trial run has succeeded, and the new executable takes the place of the old one. */
  'adopt',
  'error_action',
  /** The cloud gets the answer. */
  'report',
  /** The package is removed, and the log is sent. */
  'finish',
  'reboot',
  'done',
] as const
export type Step = (typeof steps)[number]

/** The step that failed, with its status and text for the operator. */
export interface UpdateFailure {
  readonly step: Step
  readonly status: Status
  readonly text: string
}

/** All that is known about an update. It is on flash before a step begins. */
export interface UpdateState {
  readonly request: UpdateRequest
  readonly step: Step
  /** The boot of the system in which the step began; absent where the system does not report it. */
  readonly bootId?: string
  /**
   * Names the process of a script that was about to begin. Without it no script of this step has begun. In restart and reboot:
   * the reboot was about to be ordered.
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
  /** The version of the protocol between the old executable and the new one; absent: the first. */
  readonly trial?: number
  /** Another build has written the state in a form that this one does not know, named here: only the request counts. */
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
      /** The unpacked files are not known to be the package: its error_action must not run either. */
      readonly isUnverified?: boolean
    }

/** The steps in which a script of the package runs. */
export const scriptSteps: ReadonlySet<Step> = new Set([
  'pre_install',
  'install',
  'post_install',
  'health',
  'error_action',
])

/** Whether the machine is to be rebooted at the very end. */
export function rebootsAtEnd({ manifest, failure, changed, restarted }: UpdateState): boolean {
  if (manifest?.reboot !== true || !changed) return false
  // The reboot was ordered and did not come: it would not at the end either.
  if (failure?.step === 'restart') return false
  // It has rebooted already; after a failure, what error_action restored needs another reboot.
  return !restarted || failure !== undefined
}

/** Whether the new executable runs the manager, in its trial run. */
export function isTrial({ step, manifest, probation }: UpdateState): boolean {
  if (manifest?.agent === undefined) return false
  return step === 'restart' || step === 'health' || (step === 'agent' && probation?.result === 'passed')
}

/** Whether the update has succeeded, as far as the journal knows: the cloud has its answer, or will get it. */
export function hasSucceeded({ step, failure, foreign }: UpdateState): boolean {
  const isBehind = step === 'report' || step === 'finish' || step === 'reboot' || step === 'done'
  return isBehind && failure === undefined && foreign === undefined
}
