// SPDX-License-Identifier: Apache-2.0
import { isIP } from 'node:net'
import { AgentError } from '../../base/errors.ts'

/** A service of `remote_access_support`, as the policy needs it. */
export interface OfferedService {
  readonly name: string
  readonly port: number
  /** Program and arguments that are started when needed; absent when something listens on the port. */
  readonly command?: readonly string[]
  /** The user that the command runs as; absent: the agent's own. */
  readonly user?: string
  /** Why its command does not run. */
  readonly closed?: string
}

/** The target of a session. */
export interface RelayTarget {
  /** For people: `localhost:22 (SSH)`. */
  readonly label: string
  /** Tried in this order. */
  readonly hosts: readonly string[]
  readonly port: number
  readonly service?: OfferedService
}

const loopback = ['127.0.0.1', '::1']

/**
 * Whether remote access may reach `host:port`: a service of `remote_access_support` on this device, or an entry
 * `HOST:PORT` of `remote_access.allow` [TR50 6.5 rule 12] [M12].
 *
 * @throws AgentError `POLICY_REFUSED` naming the settings that decide
 */
export function relayTarget(
  wanted: { readonly host: string; readonly port: number },
  policy: { readonly services: readonly OfferedService[]; readonly allow: readonly string[] },
): RelayTarget {
  const { port } = wanted
  const host = bare(wanted.host)
  const place = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`
  const isLocal = host === 'localhost' || loopback.includes(host)
  const hosts = host === 'localhost' ? loopback : [host]
  const service = isLocal ? policy.services.find(one => one.port === port) : undefined
  if (service?.closed !== undefined)
    throw new AgentError(
      'POLICY_REFUSED',
      `Remote access to ${place} is refused: the command of this service is ${service.closed}`,
    )
  if (service !== undefined) return { label: `${place} (${service.name})`, hosts, port, service }
  if (policy.allow.some(entry => isSame(entry, host, port))) return { label: place, hosts, port }
  const list = isLocal ? `port ${port} is not in remote_access_support of iot.cfg` : `${host} is not this device`
  throw new AgentError(
    'POLICY_REFUSED',
    `Remote access to ${place} is not allowed: ${list}, and ${place} is not in remote_access.allow of the connection file.`,
  )
}

function isSame(entry: string, host: string, port: number): boolean {
  const colon = entry.lastIndexOf(':')
  return colon > 0 && bare(entry.slice(0, colon)) === host && entry.slice(colon + 1) === String(port)
}

function bare(host: string): string {
  return host
    .trim()
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
}
