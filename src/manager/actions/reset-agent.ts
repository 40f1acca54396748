import { Status } from '../../protocol/status.ts'
import type { ManagedAction } from './action.ts'
import { answerFirst, keepAnswer } from './answer-first.ts'

/**
 * `reset_agent`: restarts the manager. The new process answers, so that the operator hears of success only when there is
 * one. Without a disk to leave the answer on it is given before: the call would come again to the new process.
 */
export function resetAgentAction(parts: { readonly restart: () => void }): ManagedAction {
  return {
    name: 'reset_agent',
    switchedBy: 'reset_agent',
    run: async (_request, help) => {
      const done = { status: Status.Success, message: '' }
      if ((await keepAnswer(help, done)) || (await answerFirst(help, done, Number.POSITIVE_INFINITY))) parts.restart()
      return undefined
    },
  }
}
