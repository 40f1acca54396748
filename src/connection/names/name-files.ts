// SPDX-License-Identifier: Apache-2.0
import { isIP } from 'node:net'

/** An address of a name. */
export interface FoundAddress {
  readonly address: string
  readonly family: 4 | 6
}

/** `text` as an address; undefined when it is none. */
export function foundAddress(text: string): FoundAddress | undefined {
  const family = isIP(text)
  return family === 4 || family === 6 ? { address: text, family } : undefined
}

/** The addresses of a name in a hosts file [hosts(5)], in the order of its lines. */
export function addressesInHosts(text: string, name: string): readonly FoundAddress[] {
  const wanted = withoutDot(name).toLowerCase()
  const found = new Map<string, FoundAddress>()
  for (const [address = '', ...names] of linesOf(linesWith(text, wanted))) {
    const one = foundAddress(address)
    if (one !== undefined && names.some(alias => withoutDot(alias).toLowerCase() === wanted)) found.set(address, one)
  }
  return [...found.values()]
}

/** The lines that contain `part`, in any case: of a file with a hundred thousand names only these are parsed. */
function linesWith(text: string, part: string): string {
  if (part === '') return ''
  const lines: string[] = []
  const pattern = new RegExp(part.replace(/[^a-z0-9]/g, '\\$&'), 'gi')
  while (pattern.test(text)) {
    const start = text.lastIndexOf('\n', pattern.lastIndex - 1) + 1
    const end = text.indexOf('\n', pattern.lastIndex)
    lines.push(text.slice(start, end < 0 ? undefined : end))
    if (end < 0) break
    pattern.lastIndex = end
  }
  return lines.join('\n')
}

/** What resolv.conf(5) says besides its servers; c-ares reads those by itself. */
export interface ResolverRules {
  readonly search: readonly string[]
  /** A name with this many dots or more is tried as it is before the search list. */
  readonly ndots: number
  readonly timeoutMs: number
  readonly attempts: number
  /** A server is named with its interface (`fe80::1%wlan0`), which Node's c-ares cannot ask on every version. */
  readonly hasZone: boolean
}

const maxNdots = 15
const maxSearched = 6

/** Reads resolv.conf(5); an empty text gives the defaults of that page. */
export function resolverRules(text: string): ResolverRules {
  let search: readonly string[] = []
  let hasZone = false
  const options = new Map<string, number>()
  for (const [word, ...rest] of linesOf(text)) {
    // The last of "domain" and "search" counts.
    if (word === 'domain' || word === 'search') search = rest.map(withoutDot).filter(domain => domain !== '')
    if (word === 'nameserver') hasZone ||= rest[0]?.includes('%') === true
    if (word !== 'options') continue
    for (const option of rest) {
      const [name = '', value] = option.split(':')
      if (value !== undefined && /^\d+$/.test(value)) options.set(name, Number(value))
    }
  }
  const number = (name: string, min: number, max: number, normal: number) =>
    Math.min(max, Math.max(min, options.get(name) ?? normal))
  return {
    search: search.slice(0, maxSearched),
    ndots: number('ndots', 0, maxNdots, 1),
    timeoutMs: 1000 * number('timeout', 1, 30, 5),
    attempts: number('attempts', 1, 5, 2),
    hasZone,
  }
}

/** The names to ask the servers for, in order, for `name`. */
export function searchedNames(name: string, { search, ndots }: ResolverRules): readonly string[] {
  if (name.endsWith('.')) return [withoutDot(name)]
  const longer = search.map(domain => `${name}.${domain}`)
  const dots = name.split('.').length - 1
  return dots >= ndots ? [name, ...longer] : [...longer, name]
}

/** Whether this system has sources of names besides its hosts file and name servers: mDNS, a directory, systemd-resolved. */
export function hasOtherSources(nsswitch: string): boolean {
  const hosts = linesOf(nsswitch).find(([word]) => word === 'hosts:')
  const sources = hosts?.slice(1).filter(word => !word.startsWith('[') && !word.endsWith(']')) ?? []
  return sources.some(source => source !== 'files' && source !== 'dns')
}

/** Whether a name means this machine itself [RFC 6761 6.3]. */
export function isLocalhost(name: string): boolean {
  return /^(?:.*\.)?localhost\.?$/i.test(name)
}

function withoutDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name
}

/** The words of each line, without comments. */
function linesOf(text: string): string[][] {
  return text
    .split('\n')
    .map(line => line.replace(/[#;].*$/, '').trim())
    .filter(line => line !== '')
    .map(line => line.split(/\s+/))
}
