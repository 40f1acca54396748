import type { HandOverOptions } from '../../protocol/action-reply.ts'
import type { ActionHelp, ActionOutcome } from './action.ts'

/** How long an action that ends the connection waits for the cloud to have its answer. */
export const answerWaitMs = 10_000

/**
 * Acknowledges before acting, and waits until the cloud has the answer [M7].
 *
 * @param waitMs how long; Infinity: until it has it, or never will
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
 * As {@link answerFirst}, with the answer left to the next process for the case that it does not get through in time.
 * Without a disk to leave it on there is no such case: whoever acted before the cloud had the answer would act again when
 * the call comes again.
 *
 * @returns whether the cloud has it; undefined when nobody would ever know of the call, so that nothing may be done
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
