// SPDX-License-Identifier: Apache-2.0
import { Status } from '../../protocol/status.ts'
import type { ManagedAction } from './action.ts'
import { answerFirst, keepAnswer } from './answer-first.ts'

/**
 * `reset_agent` [TR50 4.5]: restarts the manager. The new process answers, so that the operator sees success only when there
 * is one. Without a disk to leave the answer on, this process answers first: else the call would come to the new one again.
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
