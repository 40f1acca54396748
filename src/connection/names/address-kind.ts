// SPDX-License-Identifier: Apache-2.0
import { isIP } from 'node:net'

/** What an address stands for. A party other than the owner may choose only a public one. */
export type AddressKind = 'public' | 'loopback' | 'link-local' | 'private' | 'reserved'

type Range = readonly [prefix: string, bits: number, kind: AddressKind]

/** IPv4 ranges that are not public [RFC 6890], as IANA lists them. */
const ranges4: readonly Range[] = [
  // Linux takes a connection to 0.0.0.0 as one to itself.
  ['0.0.0.0', 8, 'loopback'],
  ['127.0.0.0', 8, 'loopback'],
  ['169.254.0.0', 16, 'link-local'],
  ['10.0.0.0', 8, 'private'],
  ['172.16.0.0', 12, 'private'],
  ['192.168.0.0', 16, 'private'],
  ['100.64.0.0', 10, 'private'],
  ['192.0.0.0', 24, 'reserved'],
  ['192.0.2.0', 24, 'reserved'],
  ['192.88.99.0', 24, 'reserved'],
  ['198.18.0.0', 15, 'reserved'],
  ['198.51.100.0', 24, 'reserved'],
  ['203.0.113.0', 24, 'reserved'],
  ['224.0.0.0', 4, 'reserved'],
  ['240.0.0.0', 4, 'reserved'],
]

/** IPv6 ranges. Only 2000::/3 is public, and not all of it. */
const ranges6: readonly Range[] = [
  ['::', 128, 'loopback'],
  ['::1', 128, 'loopback'],
  ['fe80::', 10, 'link-local'],
  ['fc00::', 7, 'private'],
  // The deprecated site-local range, and NAT64 prefixes for local use [RFC 8215].
  ['fec0::', 10, 'private'],
  ['64:ff9b:1::', 48, 'private'],
  // Teredo hides an IPv4 address; ORCHID and documentation.
  ['2001::', 23, 'reserved'],
  ['2001:db8::', 32, 'reserved'],
  ['3fff::', 20, 'reserved'],
  ['2000::', 3, 'public'],
]

/** Prefixes that embed an IPv4 address: mapped, translated, compatible, NAT64 [RFC 6052 2.1] and 6to4. */
const carriers: readonly (readonly [prefix: string, bits: number, at: number])[] = [
  ['::ffff:0:0', 96, 12],
  ['::ffff:0:0:0', 96, 12],
  ['::', 96, 12],
  ['64:ff9b::', 96, 12],
  ['2002::', 16, 2],
]

/** Classifies a literal address. Text that is no address is `reserved`. An IPv6 address that embeds an IPv4 one has the kind of the latter. */
export function addressKind(address: string): AddressKind {
  const bytes = addressBytes(address)
  if (bytes === undefined) return 'reserved'
  if (bytes.length === 4) return kindIn(ranges4, bytes) ?? 'public'
  const own = kindIn(ranges6.slice(0, 2), bytes)
  if (own !== undefined) return own
  const carrier = carriers.find(([prefix, bits]) => isIn(bytes, prefix, bits))
  if (carrier !== undefined) return kindIn(ranges4, bytes.slice(carrier[2], carrier[2] + 4)) ?? 'public'
  return kindIn(ranges6, bytes) ?? 'reserved'
}

/** Whether two texts are the same address; a mapped IPv4 address is the IPv4 address. */
export function isSameAddress(one: string, other: string): boolean {
  const [left, right] = [plainBytes(one), plainBytes(other)]
  return left !== undefined && right !== undefined && Buffer.from(left).equals(Buffer.from(right))
}

/** Whether an address lies in a subnet of its own family. */
export function isInSubnet(address: string, prefix: string, bits: number): boolean {
  const bytes = addressBytes(address)
  return bytes !== undefined && bytes.length === addressBytes(prefix)?.length && isIn(bytes, prefix, bits)
}

function plainBytes(address: string): readonly number[] | undefined {
  const bytes = addressBytes(address)
  return bytes?.length === 16 && isIn(bytes, '::ffff:0:0', 96) ? bytes.slice(12) : bytes
}

function kindIn(ranges: readonly Range[], bytes: readonly number[]): AddressKind | undefined {
  return ranges.find(([prefix, bits]) => isIn(bytes, prefix, bits))?.[2]
}

function isIn(bytes: readonly number[], prefix: string, bits: number): boolean {
  const start = addressBytes(prefix) ?? []
  return start.every((byte, index) => {
    const mask = 0xff & ~(0xff >> Math.min(8, Math.max(0, bits - 8 * index)))
    return (byte & mask) === ((bytes[index] ?? 0) & mask)
  })
}

/** 4 or 16 bytes; undefined when the text is no address. A zone (`%eth0`) is not part of the address. */
function addressBytes(address: string): readonly number[] | undefined {
  const text = address.replace(/%.*$/, '')
  const family = isIP(text)
  if (family === 4) return text.split('.').map(Number)
  if (family !== 6) return undefined
  const [head = '', tail] = text.split('::')
  const before = groupBytes(head)
  const after = groupBytes(tail ?? '')
  return [...before, ...new Array<number>(16 - before.length - after.length).fill(0), ...after]
}

function groupBytes(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap(group => {
    if (group.includes('.')) return group.split('.').map(Number)
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
}
