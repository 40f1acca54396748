// SPDX-License-Identifier: Apache-2.0
import type { ActionOutcome } from '../../protocol/action-reply.ts'
import { Status } from '../../protocol/status.ts'
import type { JournalEntry } from './journal.ts'

/** A mail that an earlier process left for the program of this one to answer. */
export interface LeftMail {
  readonly id: string
  /** The name of the action. */
  readonly name: string
}

/** Whether the program of the next process is to answer. */
export function isLeft({ state, outcome }: JournalEntry): boolean {
  return state === 'handed over' && outcome === undefined
}

/** The answer of a mail that an earlier process left. */
export function answerOf(
  { state, outcome, onlyAfterReboot, bootId }: JournalEntry,
  presentBootId: string | undefined,
): ActionOutcome {
  if (outcome === undefined)
    return { status: Status.Failure, message: 'ERROR: the agent ended in mid-action; the action was not run again.' }
  if (state === 'finished' || !onlyAfterReboot) return outcome
  if (bootId === undefined || presentBootId === undefined)
    return { status: Status.Failure, message: 'ERROR: the agent does not know whether the machine rebooted.' }
  if (bootId !== presentBootId) return outcome
  return {
    status: Status.Failure,
    message:
      'ERROR: the machine did not reboot, or is a container, which keeps its boot id; only the agent was started again.',
  }
}
