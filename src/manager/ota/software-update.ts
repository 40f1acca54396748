// SPDX-License-Identifier: Apache-2.0
import { type ActionOutcome, failureOutcome, type ManagedAction } from '../actions/index.ts'
import { readUpdateRequest, type UpdateRequest } from './state/index.ts'
import type { Beginning } from './updates.ts'

/** The part of the updates that the action needs. */
export interface SoftwareUpdateParts {
  readonly updates: {
    refusal(): ActionOutcome | undefined
    begin(request: UpdateRequest): Promise<Beginning>
  }
  /** Answers a call that was handed over. */
  readonly acknowledge: (id: string, outcome: ActionOutcome) => Promise<unknown>
}

/**
 * `software_update` [TR50 7]: hands its call over before the update begins, so that the process in which the update ends gives the
 * answer: this one, or one that the update itself has started.
 */
export function softwareUpdateAction(parts: SoftwareUpdateParts): ManagedAction {
  const { updates, acknowledge } = parts
  return {
    name: 'software_update',
    switchedBy: 'software_update',
    timeoutMs: 0,
    run: async ({ id, params }, help) => {
      const request = readUpdateRequest(id, params)
      const refusal = updates.refusal()
      if (refusal !== undefined) return refusal
      await help.progress('Invoked')
      await help.handOver()
      const outcome = await updates.begin(request).then(
        beginning => (beginning.kind === 'answered' ? beginning.outcome : undefined),
        error => failureOutcome(error),
      )
      if (outcome !== undefined) await acknowledge(id, outcome)
      return undefined
    },
  }
}
