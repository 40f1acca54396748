/**
 * Who may ask at all. A browser on this machine reaches this cloud on behalf of every page that it shows, so that each request
 * and each upgrade is judged here, before anybody looks at its content, by what a page cannot choose: Host, Origin, Sec-Fetch-*.
 */
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { isLoopback } from '../access/exposure.ts'
import type { RouteRules } from './route.ts'

/** Why a request is not served. */
export interface Refusal {
  readonly status: number
  readonly text: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Of a Host: a name, an address, a bracketed IPv6 address; with or without a port. */
const hostSyntax = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9_.-]{1,254})(?::(\d{1,5}))?$/
const jsonType = /^(?:application|text)\/(?:[\w.-]+\+)?json[ \t]*(?:;|$)/i
const own = new Set(['same-origin', 'none'])

/** Judges a request; `route` is where its path leads, `names` what this cloud is called beside loopback. Undefined: it may ask. */
export function refusalOf(
  request: IncomingMessage,
  route: RouteRules | undefined,
  names: ReadonlySet<string>,
): Refusal | undefined {
  return (
    hostRefusal(request, names) ??
    originRefusal(request, route) ??
    siteRefusal(request, route) ??
    (route === undefined
      ? { status: 404, text: 'Nothing here' }
      : (methodRefusal(request, route) ?? bodyRefusal(request, route)))
  )
}

/** Against a foreign name that was made to point here (DNS rebinding): it must be one of ours. */
function hostRefusal(request: IncomingMessage, names: ReadonlySet<string>): Refusal | undefined {
  const { host: hosts = [] } = request.headersDistinct
  const [host] = hosts
  if (host === undefined) return { status: 400, text: 'The request has no Host header, which says whom it is for' }
  const name = hosts.length === 1 && isPath(request.url) ? nameIn(host) : undefined
  if (name === undefined)
    return {
      status: 400,
      text: 'The request needs one Host header with a name or address, and a path that begins with /',
    }
  if (isLoopback(name) || names.has(name) || name === plainAddress(request.socket.localAddress)) return undefined
  return {
    status: 421,
    text: `This local cloud is not known as ${name}. It answers to localhost, to the address that it is reached at, and to the names that it was started with: add --name ${name} if this is one.`,
  }
}

/** A page may ask only if it is this cloud's own; programs have no Origin, or that of whom they ask. */
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
    text: `Pages of another origin may not ask this cloud: Origin must be that of https://${host}, or absent`,
  }
}

/** Browsers say so themselves when a page of elsewhere asks, also where they send no Origin. */
function siteRefusal(request: IncomingMessage, route: RouteRules | undefined): Refusal | undefined {
  const { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest } = request.headers
  if (site === undefined || own.has(String(site))) return undefined
  const isLink = route?.isLinkable && mode === 'navigate' && dest === 'document'
  if (isLink && (request.method === 'GET' || request.method === 'HEAD')) return undefined
  return { status: 403, text: 'Pages of another site may not ask this cloud [Sec-Fetch-Site]' }
}

/** OPTIONS too: no other origin gets a permission. */
function methodRefusal({ method = '' }: IncomingMessage, { methods }: RouteRules): Refusal | undefined {
  if (methods.includes(method)) return undefined
  return { status: 405, text: `${methods.join(' or ')} only`, headers: { Allow: methods.join(', ') } }
}

/** What a page can send to anybody without asking before (forms, text, nothing said) is not taken. */
function bodyRefusal(request: IncomingMessage, { body }: RouteRules): Refusal | undefined {
  if (body !== 'json') return undefined
  const { 'content-type': types = [], origin, 'sec-fetch-site': site } = request.headersDistinct
  const [type = ''] = types
  // The scripts of the predecessor say nothing of the kind [TR50 8.1].
  if (type === '' && types.length < 2 && origin === undefined && site === undefined) return undefined
  if (types.length === 1 && jsonType.test(type)) return undefined
  return {
    status: 415,
    text: 'Content-Type must be application/json (with curl: --json, or -H "Content-Type: application/json")',
  }
}

function isSameOrigin(origin: string, host: string): boolean {
  const asked = parse(`https://${host}`)
  const said = parse(origin)
  if (asked === undefined || said === undefined || said.protocol !== 'https:') return false
  return said.host === asked.host && said.username === '' && said.password === '' && !/[/?#]/.test(origin.slice(8))
}

function isSameHost(origin: string, host: string): boolean {
  const authority = origin.toLowerCase().replace(/^https?:\/\//, '')
  const name = nameIn(authority)
  return name !== undefined && name === nameIn(host)
}

/** The path of a request target, without its query; undefined when it names a server too. */
export function pathOf(target: string | undefined): string | undefined {
  return isPath(target) ? target.split('?', 1)[0] : undefined
}

function isPath(target: string | undefined): target is string {
  return target?.startsWith('/') === true
}

/** The name or the address, lower case and without brackets and the dot of the root; undefined when there is none. */
function nameIn(host: string): string | undefined {
  const name = hostSyntax.exec(host.toLowerCase())?.[1]
  if (name === undefined) return undefined
  if (!name.startsWith('[')) return name.replace(/\.$/, '') || undefined
  const address = name.slice(1, -1)
  return isIP(address) === 6 ? plainAddress(address) : undefined
}

/** One spelling of an address, and that of IPv4 for one that IPv6 wraps. */
export function plainAddress(address = ''): string {
  const wrapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (wrapped !== undefined) return wrapped
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
