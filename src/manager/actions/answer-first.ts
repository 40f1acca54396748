// SPDX-License-Identifier: Apache-2.0
import type { HandOverOptions } from '../../protocol/action-reply.ts'
import type { ActionHelp, ActionOutcome } from './action.ts'

/** How long an action that ends the connection waits for the cloud to have its answer. */
export const answerWaitMs = 10_000

/**
 * Acknowledges before acting, and waits until the cloud has the answer [M7].
 *
 * @param waitMs how long; Infinity: until the cloud has the answer or never will
 * @returns whether the cloud has it
 */
export async function answerFirst(help: ActionHelp, outcome: ActionOutcome, waitMs = answerWaitMs): Promise<boolean> {
  try {
    const receipt = await help.acknowledge(outcome)
    await receipt.delivered(waitMs === Number.POSITIVE_INFINITY ? {} : { timeoutMs: waitMs })
    return true
  } catch {
    return false
  }
}

/**
 * As {@link answerFirst}, and the answer is left to the next process in case it does not get through in time. Without a disk
 * to leave it on, the agent must not act before the cloud has the answer: the call would come again, and the agent act again.
 *
 * @returns whether the cloud has it; undefined when neither the cloud nor the disk has it, so that the agent must not act
 */
export async function answerSafely(
  help: ActionHelp,
  outcome: ActionOutcome,
  options?: HandOverOptions,
): Promise<boolean | undefined> {
  const kept = await keepAnswer(help, outcome, options)
  const delivered = await answerFirst(help, outcome, kept ? answerWaitMs : Number.POSITIVE_INFINITY)
  return delivered || kept ? delivered : undefined
}

/** Leaves the answer to the next process; returns whether it is on the disk. */
export function keepAnswer(help: ActionHelp, outcome: ActionOutcome, options?: HandOverOptions): Promise<boolean> {
  return help.handOver(outcome, options).then(
    () => true,
    () => false,
  )
}
