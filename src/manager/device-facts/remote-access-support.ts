// SPDX-License-Identifier: Apache-2.0
import { connect } from 'node:net'
import type { Clock } from '../../base/clock.ts'
import type { Json, JsonObject } from '../../base/json.ts'
import { waitFor } from '../../base/wait.ts'

/** A service of `remote_access_support` in iot.cfg. */
export interface AccessService {
  readonly port: number
  /** What serves a connection when nothing listens. */
  readonly command?: readonly string[]
  /** The entry as it stands in the file. */
  readonly raw: JsonObject
}

/**
 * The text of the attribute `remote_access_support`: the services that listen on this device or are started when needed, as
 * JSON, or `""` when there are none [TR50 4.5]. The command and its user are not published.
 */
export async function accessSupportText(
  services: readonly AccessService[],
  isListening: (port: number) => Promise<boolean>,
): Promise<string> {
  const available = await Promise.all(services.map(({ port, command }) => command !== undefined || isListening(port)))
  const found = services
    .filter((_, index) => available[index])
    .map(({ raw: { command: _command, user: _user, ...shown } }) => shown)
  return found.length === 0 ? '' : spacedJson(found)
}

/** JSON with a space after `,` and `:`, as the Python agent writes it; portals compare this text. */
export function spacedJson(value: Json | undefined): string {
  if (Array.isArray(value)) return `[${value.map(spacedJson).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined)
    return `{${members.map(([key, member]) => `${JSON.stringify(key)}: ${spacedJson(member)}`).join(', ')}}`
  }
  return JSON.stringify(value ?? null)
}

const probeTimeoutMs = 2000

/** Whether something accepts connections on a port of this device, over IPv4 or IPv6. Goes past any proxy. */
export async function isPortListening(clock: Clock, port: number): Promise<boolean> {
  const hosts = ['127.0.0.1', '::1']
  const found = await Promise.all(hosts.map(host => accepts(clock, host, port)))
  return found.includes(true)
}

function accepts(clock: Clock, host: string, port: number): Promise<boolean> {
  return waitFor<boolean>(undefined, resolve => {
    const socket = connect({ host, port })
    const timer = clock.timer(probeTimeoutMs, () => resolve(false))
    socket.once('connect', () => resolve(true))
    socket.on('error', () => resolve(false))
    return () => {
      timer.cancel()
      socket.destroy()
    }
  })
}
