// SPDX-License-Identifier: Apache-2.0
/**
 * Which requests and upgrades are served. A browser on this machine sends requests on behalf of every page that it shows.
 * Therefore each request is checked here, before its content is read, by headers that a page cannot choose: Host, Origin,
 * Sec-Fetch-*.
 */
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { isLoopback } from '../access/exposure.ts'
import type { RouteRules } from './route.ts'

/** The answer to a request that is not served. */
export interface Refusal {
  readonly status: number
  readonly text: string
  readonly headers?: Readonly<Record<string, string>>
}

/** A Host header: a name, an IPv4 address or a bracketed IPv6 address, with or without a port. */
const hostSyntax = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9_.-]{1,254})(?::(\d{1,5}))?$/
/** The answer to a path without a route. */
export const notFoundRefusal: Refusal = { status: 404, text: 'There is nothing at this path.' }
const jsonType = /^(?:application|text)\/(?:[\w.-]+\+)?json[ \t]*(?:;|$)/i
const ownSites = new Set(['same-origin', 'none'])

/**
 * Checks a request; undefined when it is served.
 * @param route of the path, if any
 * @param names of this cloud besides those of loopback, in lower case
 */
export function refusalOf(
  request: IncomingMessage,
  route: RouteRules | undefined,
  names: ReadonlySet<string>,
): Refusal | undefined {
  return (
    hostRefusal(request, names) ??
    originRefusal(request, route) ??
    siteRefusal(request, route) ??
    (route === undefined ? notFoundRefusal : (methodRefusal(request, route) ?? bodyRefusal(request, route)))
  )
}

/** Host must be a name of this cloud, against a foreign name that was made to point here (DNS rebinding). */
function hostRefusal(request: IncomingMessage, names: ReadonlySet<string>): Refusal | undefined {
  const { host: hosts = [] } = request.headersDistinct
  const [host] = hosts
  if (host === undefined) return { status: 400, text: 'The request has no Host header.' }
  const name = hosts.length === 1 && isPath(request.url) ? nameIn(host) : undefined
  if (name === undefined)
    return {
      status: 400,
      text: 'The request must have one Host header with a name or an address, and a path that begins with /.',
    }
  if (isLoopback(name) || names.has(name) || name === plainAddress(request.socket.localAddress)) return undefined
  return {
    status: 421,
    text: `This local cloud is not known as ${name}. It serves requests for localhost, for the address of the connection, and for the names that it was started with. Start it with --name ${name} if this is its name.`,
  }
}

/** Only pages of this cloud are served. Programs send no Origin, or the origin of this cloud. */
function originRefusal(request: IncomingMessage, route: RouteRules | undefined): Refusal | undefined {
  const { origin: origins = [] } = request.headersDistinct
  if (origins.length === 0) return undefined
  const [origin = ''] = origins
  const host = request.headers.host ?? ''
  const isOwn =
    origins.length === 1 && (isSameOrigin(origin, host) || (route?.takesLooseOrigin && isSameHost(origin, host)))
  if (isOwn) return undefined
  return {
    status: 403,
    text: `Pages of another origin may not use this cloud. Origin must be that of https://${host}, or absent.`,
  }
}

/** Browsers mark requests of foreign pages with this header, also where they send no Origin. */
function siteRefusal(request: IncomingMessage, route: RouteRules | undefined): Refusal | undefined {
  const { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest } = request.headers
  if (site === undefined || ownSites.has(String(site))) return undefined
  const isLink = route?.isLinkable && mode === 'navigate' && dest === 'document'
  if (isLink && (request.method === 'GET' || request.method === 'HEAD')) return undefined
  return { status: 403, text: 'Pages of another site may not use this cloud [Sec-Fetch-Site].' }
}

/** Refuses OPTIONS too, so that no other origin gets a CORS permission. */
function methodRefusal({ method = '' }: IncomingMessage, { methods }: RouteRules): Refusal | undefined {
  if (methods.includes(method)) return undefined
  return { status: 405, text: `The method must be ${methods.join(' or ')}.`, headers: { Allow: methods.join(', ') } }
}

/** Refuses the types that a page may send anywhere without a CORS preflight: forms, text, none. */
function bodyRefusal(request: IncomingMessage, { body }: RouteRules): Refusal | undefined {
  if (body !== 'json') return undefined
  const { 'content-type': types = [], origin, 'sec-fetch-site': site } = request.headersDistinct
  const [type = ''] = types
  // The predecessor's scripts send no Content-Type [TR50 8.1].
  if (type === '' && types.length < 2 && origin === undefined && site === undefined) return undefined
  if (types.length === 1 && jsonType.test(type)) return undefined
  return {
    status: 415,
    text: 'Content-Type must be application/json (with curl: --json, or -H "Content-Type: application/json").',
  }
}

function isSameOrigin(origin: string, host: string): boolean {
  const own = parse(`https://${host}`)
  const sent = parse(origin)
  if (own === undefined || sent === undefined || sent.protocol !== 'https:') return false
  return sent.host === own.host && sent.username === '' && sent.password === '' && !/[/?#]/.test(origin.slice(8))
}

function isSameHost(origin: string, host: string): boolean {
  const authority = origin.toLowerCase().replace(/^https?:\/\//, '')
  const name = nameIn(authority)
  return name !== undefined && name === nameIn(host)
}

/** The path of a request target, without its query; undefined when the target is not a path. */
export function pathOf(target: string | undefined): string | undefined {
  return isPath(target) ? target.split('?', 1)[0] : undefined
}

function isPath(target: string | undefined): target is string {
  return target?.startsWith('/') === true
}

/** The name or address in a Host header: in lower case, without brackets and a final dot; undefined when it is invalid. */
function nameIn(host: string): string | undefined {
  const name = hostSyntax.exec(host.toLowerCase())?.[1]
  if (name === undefined) return undefined
  if (!name.startsWith('[')) return name.replace(/\.$/, '') || undefined
  const address = name.slice(1, -1)
  return isIP(address) === 6 ? plainAddress(address) : undefined
}

/** The usual spelling of an address; an IPv4-mapped IPv6 address becomes IPv4. */
export function plainAddress(address = ''): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  const url = isIP(address) === 6 ? parse(`https://[${address.split('%', 1)[0]}]`) : undefined
  return url === undefined ? address : url.hostname.slice(1, -1)
}

function parse(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}
