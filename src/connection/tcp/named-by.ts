// SPDX-License-Identifier: Apache-2.0
import { type ErrorCode, errnoOf } from '../../base/errors.ts'

/** The settings that name the host and the port of a connection, for the remedy of a failure. */
export interface NamedBy {
  /** `cloud.host`; absent when no setting does. */
  readonly host?: string
  readonly port?: string
}

export const namedByCloud: NamedBy = { host: 'cloud.host', port: 'cloud.port' }
export const namedByProxy: NamedBy = { host: 'proxy.host', port: 'proxy.port' }
export const namedByFileService: NamedBy = {
  host: 'cloud.file_xfer_host (cloud.host when not set)',
  port: 'cloud.file_xfer_port (443 when not set)',
}
/** For connections whose address comes from the cloud. */
export const namedByCloudItself: NamedBy = {}

/** The remedy when no name server answers. */
export const noNameServer = 'Check the name servers in /etc/resolv.conf, and whether this device reaches them.'

const check = (settings: readonly (string | undefined)[], rest: string) => {
  const named = settings.filter(one => one !== undefined)
  return `Check ${[...named, rest].join(named.length > 1 ? ', ' : ' and ')}.`
}

/** The remedy when another service answers. */
export function otherService({ port }: NamedBy = namedByCloud): string {
  return port === undefined ? 'Another service answers there.' : `Check ${port}: another service answers there.`
}

/** The remedy for a connection that cannot be opened; undefined where that of the code is enough. */
export function reachRemedy(code: ErrorCode, error: unknown, { host, port }: NamedBy): string | undefined {
  const errno = errnoOf(error) ?? ''
  switch (code) {
    case 'NAME_NOT_RESOLVED':
      return errno.startsWith('EAI_') ? noNameServer : check([host], 'the DNS server of the device')
    case 'TCP_FAILED':
      return errno === 'EACCES' || errno === 'EPERM'
        ? 'Check the firewall rules of this device.'
        : check([port], 'firewalls on the way')
    case 'TIMEOUT':
      return check([host, port], 'firewalls on the way')
    case 'LINK_LOST':
      return `Try again; if it lasts, ${check([port], 'the log of that server').replace('Check', 'check')}`
    default:
      return undefined
  }
}
