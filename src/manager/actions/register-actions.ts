// SPDX-License-Identifier: Apache-2.0
import type { Log } from '../../base/log.ts'
import { Status } from '../../protocol/status.ts'
import type { ActionOptions, ActionRequest } from '../../services/actions/registry.ts'
import type { ActionHelp, ActionOutcome, ManagedAction } from './action.ts'
import { failureOutcome } from './failure-outcome.ts'

/** The slice of the client that takes actions. */
export interface ActionTaker {
  register(
    name: string,
    handler: (request: ActionRequest, context: ActionHelp) => Promise<ActionOutcome | undefined>,
    options: ActionOptions,
  ): void
}

/**
 * Registers the actions of the device manager. A disabled action is registered as well and answers 18 [TR50 4.5]; its switch
 * is looked up at each call, so that a reload of iot.cfg takes effect at once.
 */
export function registerActions(parts: {
  readonly actions: readonly ManagedAction[]
  readonly taker: ActionTaker
  readonly isEnabled: (switchedBy: string) => boolean
  /** Why a mistake in the configuration has closed a switch; checked before the switch itself. */
  readonly whyClosed?: (switchedBy: string) => string | undefined
  readonly log: Log
}): void {
  const { actions, taker, isEnabled, whyClosed = () => undefined, log } = parts
  for (const action of actions) {
    const { name, switchedBy, concurrency = 1, timeoutMs, repeatable = false } = action
    const handler = async (request: ActionRequest, help: ActionHelp): Promise<ActionOutcome | undefined> => {
      const closed = switchedBy === undefined ? undefined : whyClosed(switchedBy)
      if (closed !== undefined) return { status: Status.NotSupported, message: `${name} is ${closed}` }
      if (switchedBy !== undefined && !isEnabled(switchedBy)) return disabled(name, switchedBy)
      try {
        return await action.run(request, help)
      } catch (error) {
        const outcome = failureOutcome(error)
        log.warn('action failed', { action: name, id: request.id, status: outcome.status, error })
        return outcome
      }
    }
    taker.register(name, handler, { concurrency, repeatable, timeoutMs })
  }
}

function disabled(name: string, switchedBy: string): ActionOutcome {
  const where = `actions_enabled.${switchedBy} in iot.cfg`
  return { status: Status.NotSupported, message: `${name} is disabled by its iot.cfg setting (${where})` }
}
