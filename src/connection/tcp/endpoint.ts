// SPDX-License-Identifier: Apache-2.0
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import type { Transport } from '../../config/settings.ts'

/** Where the MQTT service of the cloud is. */
export interface Endpoint {
  readonly host: string
  readonly port: number
  readonly transport: Transport
}

/** A host and port to open a socket to, with or without TLS inside. */
export interface SocketTarget {
  readonly host: string
  readonly port: number
  readonly tls: boolean
}

/** `host:port`, an IPv6 address in brackets, for a header or a message. */
export function hostAndPort(target: { readonly host: string; readonly port: number }): string {
  return `${bracketed(target.host)}:${target.port}`
}

/** The host as it stands in a URL or a `Host` header: an IPv6 address in brackets. */
export function bracketed(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host
}

/** The host as it goes on the wire: without the brackets of a URL, an international name in its ASCII form. */
export function wireHost(host: string): string {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
  if (isIP(bare) !== 0) return bare
  return domainToASCII(bare) || bare
}
