import { asAgentError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import type { Skip } from './run-checks.ts'

/** The manager that may run on this configuration. */
export interface ManagerView {
  /** Rejects `MANAGER_NOT_RUNNING` when nobody answers, `POLICY_REFUSED` when this user may not ask. */
  ask(request: JsonObject): Promise<JsonObject>
  /** The process that uses the runtime folder, or undefined. Rejects when this user may not see that. */
  processId(): Promise<number | undefined>
}

/**
 * The status of the manager that runs, nothing when none runs, or why that cannot be known: a second login with its thing
 * key would end its session, so that then nobody logs in.
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
        skip: 'only its user may ask the device manager, and a login would end its session; run this as that user or root',
      }
    if (error.code !== 'MANAGER_NOT_RUNNING') throw error
  }
  const holder = await manager.processId().catch(error => asAgentError(error))
  if (holder === undefined) return {}
  const why =
    typeof holder === 'number' ? `process ${holder} uses the runtime folder and does not answer` : holder.message
  return { skip: `${why}; a login could end the session of a device manager` }
}
