// SPDX-License-Identifier: Apache-2.0
import { Status } from '../../protocol/status.ts'
import type { ManagedAction } from './action.ts'
import { answerFirst } from './answer-first.ts'

/** `quit`: acknowledges, then ends the manager with exit code 0 [TR50 4.5]. */
export function quitAction(parts: { readonly quit: () => void }): ManagedAction {
  return {
    name: 'quit',
    switchedBy: 'reset_agent',
    run: async (_request, help) => {
      await answerFirst(help, { status: Status.Success, message: '' })
      parts.quit()
      return undefined
    },
  }
}
