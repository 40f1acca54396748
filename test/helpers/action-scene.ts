// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../src/base/errors.ts'
import type { JsonObject } from '../../src/base/json.ts'
import type { ActionHelp, ActionOutcome, ManagedAction } from '../../src/manager/actions/action.ts'
import { registerActions } from '../../src/manager/actions/register-actions.ts'
import { memoryLog } from './memory-log.ts'

/** What the cloud saw of one call of an action. */
export interface ActionScene {
  /** In order: `acknowledge STATUS`, `delivered`, `hand over [STATUS]`, `progress TEXT`, and whatever the test adds. */
  readonly happened: string[]
  /** The outcome that went to the cloud: the one the handler acknowledged, else what it returned. */
  outcome(): ActionOutcome | undefined
}

/** Calls a managed action as the registry would, with its switch on; `delivery` decides whether the cloud gets the answer in time. */
export async function callAction(
  action: ManagedAction,
  params: JsonObject = {},
  options: {
    id?: string
    happened?: string[]
    delivery?: 'at once' | 'never'
    enabled?: boolean
    /** Why nothing can be left to the next process. */
    handOver?: AgentError
    signal?: AbortSignal
  } = {},
): Promise<ActionScene> {
  const { id = 'mail-1', happened = [], delivery = 'at once', enabled = true } = options
  let acknowledged: ActionOutcome | undefined
  const help: ActionHelp = {
    signal: options.signal ?? new AbortController().signal,
    progress: async text => void happened.push(`progress ${text}`),
    acknowledge: async result => {
      acknowledged ??= result as ActionOutcome
      happened.push(`acknowledge ${acknowledged.status}`)
      return {
        accepted: true,
        delivered: async () => {
          if (delivery === 'never') throw new AgentError('TIMEOUT', 'no answer')
          happened.push('delivered')
        },
      }
    },
    handOver: async (result, { onlyAfterReboot = false } = {}) => {
      if (options.handOver !== undefined) throw options.handOver
      const status = result === undefined ? '' : ` ${(result as ActionOutcome).status}`
      happened.push(`hand over${status}${onlyAfterReboot ? ' after a reboot' : ''}`)
    },
  }
  let returned: ActionOutcome | undefined
  const calls: Promise<void>[] = []
  registerActions({
    actions: [action],
    isEnabled: () => enabled,
    log: memoryLog().log,
    taker: {
      register: (name, handler) => {
        calls.push(
          handler({ id, name, params }, help).then(result => {
            returned = result
          }),
        )
      },
    },
  })
  await Promise.all(calls)
  return { happened, outcome: () => acknowledged ?? returned }
}
