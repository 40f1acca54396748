import { Status } from '../../protocol/status.ts'
import type { ManagedAction } from './action.ts'
import type { AnswerLater } from './power.ts'

/**
 * `reset_agent`: restarts the manager. The new process answers, so that the operator hears of success only when there is
 * one; the id waits in RUNTIME/message_ids [TR50 7.6].
 */
export function resetAgentAction(parts: {
  readonly later: Pick<AnswerLater, 'add' | 'wasDone'>
  readonly restart: () => void
}): ManagedAction {
  return {
    name: 'reset_agent',
    switchedBy: 'reset_agent',
    run: async ({ id }, help) => {
      // The cloud may hand the message out again when the session drops: this process is the new one already.
      if (parts.later.wasDone(id)) return { status: Status.Success, message: '' }
      await parts.later.add(id, Status.Success)
      help.handOver()
      parts.restart()
      return undefined
    },
  }
}
