// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import { Status } from '../../protocol/status.ts'
import { BadParameter, booleanParam, type ManagedAction, textParam } from '../actions/index.ts'

/** Opens a session of remote access; resolves to its id when the relay has accepted it. */
export type OpenRelay = (
  request: { readonly url: string; readonly host: string; readonly port: number; readonly reconnect: boolean },
  signal: AbortSignal,
) => Promise<string>

/**
 * `remote-access` [TR50 6.1]: connects a service of this device to the relay of the cloud. The answer comes when the relay has
 * accepted the session, or with the reason why not: the cloud continues only on a 0 [TR50 6.5 rule 11].
 */
export function remoteAccessAction(open: OpenRelay): ManagedAction {
  return {
    name: 'remote-access',
    switchedBy: 'remote_login',
    concurrency: 4,
    run: async ({ params }, help) => {
      const [url, host] = [textParam(params, 'url'), textParam(params, 'host')]
      const missing = Object.entries({ url, host, protocol: params.protocol ?? undefined })
        .filter(([, value]) => value === undefined || value === '')
        .map(([name]) => name)
      if (url === undefined || host === undefined || missing.length > 0)
        return { status: Status.Failure, message: `remote access needs ${missing.join(' and ')}` }
      const request = { url, host, port: portParam(params), reconnect: booleanParam(params, 'reconnect') }
      try {
        await open(request, help.signal)
        return { status: Status.Success, message: '' }
      } catch (error) {
        // Statuses of their own are for a policy and a limit alone: a relay or service out of reach is 19, as the Python agent says.
        const isReach = error instanceof AgentError && error.exitCode === 4
        if (isReach) return { status: Status.Failure, message: error.message }
        throw error
      }
    },
  }
}

/** The port to reach, which the cloud calls protocol: a number or its text [TR50 6.1] [M13]. */
function portParam({ protocol }: JsonObject): number {
  const port = typeof protocol === 'string' && /^\d{1,5}$/.test(protocol) ? Number(protocol) : protocol
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535)
    throw new BadParameter('protocol must be a port, 1 to 65535')
  return port
}
