// SPDX-License-Identifier: Apache-2.0
import { asAgentError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import type { ManagerView } from '../running-manager/manager-view.ts'
import type { Skip } from './run-checks.ts'

/**
 * The status of the running manager, no status when none runs, or the reason why that cannot be known. A second login with the
 * thing key of a manager would end its session, so the caller must not log in when it gets a {@link Skip}.
 *
 * @throws AgentError when a manager runs and does not answer
 */
export async function seeManager(manager: ManagerView): Promise<{ readonly status?: JsonObject } | Skip> {
  try {
    return { status: await manager.ask({ do: 'status' }) }
  } catch (thrown) {
    const error = asAgentError(thrown)
    if (error.code === 'POLICY_REFUSED')
      return {
        skip: 'only its own user may ask the device manager, and a login would end its session; run this as that user or as root',
      }
    if (error.code !== 'MANAGER_NOT_RUNNING') throw error
  }
  const holder = await manager.processId().catch(error => asAgentError(error))
  if (holder === undefined) return {}
  const why =
    typeof holder === 'number' ? `process ${holder} uses the runtime folder and does not answer` : holder.message
  return { skip: `${why}; a login could end the session of a device manager` }
}
