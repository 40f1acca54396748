// SPDX-License-Identifier: Apache-2.0
import { isIP } from 'node:net'
import { type AddressKind, addressKind, isSameAddress } from '../../connection/names/address-kind.ts'
import { siblingDomain } from './sibling-domain.ts'

/** The facts that decide where a relay may be. */
export interface RelayHostPolicy {
  readonly cloudHost: string
  /** `remote_access.relay_hosts`: names, addresses and `*.DOMAIN`. Undefined: only where the cloud is. */
  readonly relayHosts?: readonly string[] | undefined
  /** The address at which the cloud was last reached; absent behind a proxy. */
  readonly cloudAddress?: string | undefined
  /** Addresses of this device, which may look public. */
  readonly ownAddresses: ReadonlySet<string>
}

/** Longest name of a host [RFC 1035 2.3.4]. */
const maxNameLength = 253

const setting = 'remote_access.relay_hosts of the connection file'

/** A name for comparison: lower case, ASCII, without a dot at the end. Undefined when it cannot be a host. */
export function plainHost(host: string): string | undefined {
  const bare = host.replace(/^\[|\]$/g, '')
  try {
    // The parser of URLs knows every way to write an address: 0x7f.1, 2130706433, 127.1.
    const { hostname } = new URL(`wss://${isIP(bare) === 6 ? `[${bare}]` : bare}/`)
    const name = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
    return name === '' || name.length > maxNameLength || name.split('.').includes('') ? undefined : name
  } catch {
    return undefined
  }
}

/**
 * Why a relay may not be at `host`, for the log of the owner; undefined when it may. The address to which a name
 * resolves is checked by {@link addressRefusal} when it is dialled.
 */
export function hostRefusal(host: string, policy: RelayHostPolicy): string | undefined {
  const name = plainHost(host)
  if (name === undefined) return 'it is not the name of a host'
  const { cloudHost, relayHosts } = policy
  const patterns = relayHosts ?? defaultHosts(cloudHost)
  if (!patterns.some(pattern => isMatch(pattern, name)))
    return relayHosts === undefined
      ? `it is not where cloud.host (${cloudHost}) is: add "${name}" to ${setting} if it may be the relay, beside ${patterns.map(one => `"${one}"`).join(', ')}`
      : `it is not in ${setting}: add "${name}" if it may be the relay`
  return isIP(name) === 0 ? undefined : addressRefusal(name, policy)
}

/**
 * Why the relay may not be dialled at `address`, which its name resolved to; undefined when it may. Addresses that are not
 * public are the cloud's only if the cloud itself is at one of that kind, or if the owner lists them.
 */
export function addressRefusal(address: string, policy: RelayHostPolicy): string | undefined {
  const kind = kindOf(address, policy)
  if (kind === 'public') return undefined
  const { cloudHost, cloudAddress, relayHosts = [] } = policy
  if ([cloudHost, ...relayHosts].some(host => isSameAddress(plainHost(host) ?? '', address))) return undefined
  const cloudKinds = [cloudAddress, literalOf(cloudHost)].map(one => one && kindOf(one, policy))
  if (cloudKinds.includes(kind)) return undefined
  const what = kind === 'loopback' ? 'is this device itself' : `is a ${kind} address`
  return `${address} ${what}, and cloud.host is not at one: add "${address}" to ${setting} if it may be the relay`
}

function kindOf(address: string, { ownAddresses }: RelayHostPolicy): AddressKind {
  for (const own of ownAddresses) if (isSameAddress(own, address)) return 'loopback'
  return addressKind(address)
}

/** The address of a host where its name already is one. */
function literalOf(host: string): string | undefined {
  const name = plainHost(host)
  if (name === 'localhost' || name?.endsWith('.localhost')) return '127.0.0.1'
  return name !== undefined && isIP(name) !== 0 ? name : undefined
}

function defaultHosts(cloudHost: string): readonly string[] {
  const name = plainHost(cloudHost)
  if (name === undefined) return []
  const sibling = siblingDomain(name)
  return [name, ...(isIP(name) === 0 ? [`*.${name}`] : []), ...(sibling === undefined ? [] : [`*.${sibling}`])]
}

/** `*.DOMAIN` covers what is below the domain, at any depth, and not the domain itself. */
function isMatch(pattern: string, name: string): boolean {
  if (!pattern.startsWith('*.')) {
    const one = plainHost(pattern)
    return one !== undefined && (one === name || isSameAddress(one, name))
  }
  const domain = plainHost(pattern.slice(2))
  return domain !== undefined && isIP(name) === 0 && name.endsWith(`.${domain}`)
}
