import { errorKinds } from '../../base/errors.ts'
import type { ClientStatus } from '../../client/client.ts'
import { hostAndPort } from '../../connection/endpoint.ts'

/** The state of the link in one line, the same for as long as nothing changes. */
export function linkText(cloud: { host: string; port: number }, { link, thingKey = '' }: ClientStatus): string {
  const place = hostAndPort(cloud)
  if (link?.state === 'up') return `connected to ${place} as ${thingKey}`
  const trouble = link?.lastError
  if (trouble === undefined) return `connecting to ${place}`
  return `not connected to ${place}, goes on trying: ${errorKinds[trouble.code].meaning} (${trouble.code})`
}
