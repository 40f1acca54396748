import type { ActionHelp, ActionOutcome } from './action.ts'

/** How long an action that ends the connection waits for the cloud to have its answer. */
export const answerWaitMs = 10_000

/**
 * Acknowledges before acting, and waits until the cloud has the answer, at most {@link answerWaitMs} [M7].
 *
 * @returns whether the cloud has it; false means that the next process must answer
 */
export async function answerFirst(help: ActionHelp, outcome: ActionOutcome): Promise<boolean> {
  try {
    const receipt = await help.acknowledge(outcome)
    await receipt.delivered({ timeoutMs: answerWaitMs })
    return true
  } catch {
    return false
  }
}
