// SPDX-License-Identifier: Apache-2.0
import { createSocket } from 'node:dgram'
import { isIP } from 'node:net'
import { isInSubnet } from './address-kind.ts'
import type { FoundAddress } from './name-files.ts'

/**
 * Sorts the addresses of a name: first the family to which this device has the better route, as `getaddrinfo` does
 * [RFC 6724 6]. Within a family the order of the name server stays, because it spreads the load.
 */
export async function sortFamilies(addresses: readonly FoundAddress[]): Promise<readonly FoundAddress[]> {
  const six = addresses.filter(({ family }) => family === 6)
  const four = addresses.filter(({ family }) => family === 4)
  const [first6, first4] = [six[0]?.address, four[0]?.address]
  if (first6 === undefined || first4 === undefined) return addresses
  const [source6, source4] = await Promise.all([sourceFor(first6), sourceFor(first4)])
  return isSixFirst({ to: first6, from: source6 }, { to: first4, from: source4 })
    ? [...six, ...four]
    : [...four, ...six]
}

/** An address to dial, and the source address that this device would use; `from` is undefined without a route. */
export interface Way {
  readonly to: string
  readonly from: string | undefined
}

/** Rules 1, 2, 5 and 6 of [RFC 6724 6]: the other rules do not distinguish the families. */
export function isSixFirst(six: Way, four: Way): boolean {
  if (six.from === undefined) return false
  if (four.from === undefined) return true
  const isScope6 = isNear(six.to) === isNear(six.from)
  const isScope4 = isNear(four.to) === isNear(four.from)
  if (isScope6 !== isScope4) return isScope6
  if (labelOf(six.to) !== labelOf(six.from)) return false
  return isAboveFour(six.to)
}

/** The source address that this device would use: a connected UDP socket knows it without sending anything. */
function sourceFor(address: string): Promise<string | undefined> {
  return new Promise(resolve => {
    const socket = createSocket(isIP(address) === 6 ? 'udp6' : 'udp4')
    const end = (source: string | undefined) => {
      socket.close()
      resolve(source)
    }
    socket.once('error', () => end(undefined))
    socket.connect(anyPort, address, () => {
      try {
        end(socket.address().address)
      } catch {
        end(undefined)
      }
    })
  })
}

/** Discard [RFC 863]; nothing is ever sent there. */
const anyPort = 9

/** Link-local scope, which includes loopback [RFC 6724 3.1] [RFC 6724 3.2]. */
const near: readonly (readonly [prefix: string, bits: number])[] = [
  ['::1', 128],
  ['fe80::', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
]

function isNear(address: string): boolean {
  return near.some(([prefix, bits]) => isInSubnet(address, prefix, bits))
}

/** The policy table [RFC 6724 2.1], the longest prefixes first. The last column: whether the precedence is above that of IPv4, which is 35. */
const policy: readonly (readonly [prefix: string, bits: number, label: number, isAboveFour: boolean])[] = [
  ['::1', 128, 0, true],
  ['2001::', 32, 5, false],
  ['2002::', 16, 2, false],
  ['3ffe::', 16, 12, false],
  ['fec0::', 10, 11, false],
  ['fc00::', 7, 13, false],
  ['::', 96, 3, false],
]

function rowOf(address: string): (typeof policy)[number] | undefined {
  return policy.find(([prefix, bits]) => isInSubnet(address, prefix, bits))
}

function labelOf(address: string): number {
  return rowOf(address)?.[2] ?? 1
}

function isAboveFour(address: string): boolean {
  return rowOf(address)?.[3] ?? true
}
